"""A mail server that keeps what it is given: PORT plain|starttls|tls [CERTIFICATE KEY].

Says one line of JSON for each mail, and `listening` when it is up. Beside `plain`, it takes mail
from `user` with the password `secret` only, and to `bounce@example.com` from nobody.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


def certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    return context


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "bounce@example.com":
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode(),
            "encrypted": session.ssl is not None or sys.argv[2] == "tls",
            "authenticated": session.authenticated,
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    is_known = data.login == b"user" and data.password == b"secret"
    return AuthResult(success=is_known, handled=True)


class Listening(Controller):
    def factory(self):
        mode = sys.argv[2]
        options = {}
        if mode != "plain":
            options = {
                "authenticator": authenticate,
                "auth_required": True,
                "auth_require_tls": mode == "starttls",
            }
        if mode == "starttls":
            options |= {"tls_context": certificate(), "require_starttls": True}
        return SMTP(self.handler, hostname="localhost", **options)


wrapped = certificate() if sys.argv[2] == "tls" else None
Listening(Sink(), hostname="127.0.0.1", port=int(sys.argv[1]), ssl_context=wrapped).start()
print("listening", flush=True)
asyncio.new_event_loop().run_forever()
