"""An application that people sign in to, with Python's Authlib. It says on which port it listens,
and shows what it learned as JSON."""

import json
import os
import secrets
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlencode, urlsplit

from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

ISSUER = os.environ["ISSUER"]


def read(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


metadata = read(ISSUER + "/.well-known/openid-configuration")
waiting = {}
kept = {}


def session(base, **more):
    return OAuth2Client(
        os.environ["CLIENT_ID"],
        os.environ["CLIENT_SECRET"],
        token_endpoint_auth_method="client_secret_post",
        scope="openid profile email",
        redirect_uri=base + "/cb",
        code_challenge_method="S256",
        **more,
    )


def login(base):
    verifier, nonce = generate_token(64), secrets.token_urlsafe(16)
    endpoint = metadata["authorization_endpoint"]
    made = session(base).create_authorization_url(endpoint, code_verifier=verifier, nonce=nonce)
    url, state = made
    waiting[state] = (verifier, nonce)
    return url


def callback(base, path):
    query = dict(part.split("=", 1) for part in urlsplit(path).query.split("&"))
    state = query["state"]
    verifier, nonce = waiting.pop(state)
    app = session(base, state=state)
    endpoint = metadata["token_endpoint"]
    answer = f"{base}{path}"
    tokens = app.fetch_token(endpoint, authorization_response=answer, code_verifier=verifier)
    keys = KeySet.import_key_set(read(metadata["jwks_uri"]))
    algorithms = metadata["id_token_signing_alg_values_supported"]
    token = jwt.decode(tokens["id_token"], keys, algorithms=algorithms)
    params = {"nonce": nonce, "client_id": app.client_id, "access_token": tokens["access_token"]}
    options = {"iss": {"value": metadata["issuer"]}, "aud": {"value": app.client_id}}
    claims = CodeIDToken(token.claims, token.header, options=options, params=params)
    claims.validate(leeway=5)
    kept["id_token"] = tokens["id_token"]
    userinfo = app.get(metadata["userinfo_endpoint"]).raise_for_status().json()
    assert userinfo["sub"] == claims["sub"]
    next_tokens = app.refresh_token(metadata["token_endpoint"])
    told = app.introspect_token(metadata["introspection_endpoint"], next_tokens["access_token"])
    return {
        "claims": dict(claims),
        "userinfo": userinfo,
        "refreshed": "id_token" in next_tokens,
        "introspected": told.json(),
    }


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        base = f"http://127.0.0.1:{self.server.server_port}"
        path = urlsplit(self.path).path
        if path == "/login":
            self.send(302, location=login(base))
        elif path == "/cb":
            try:
                self.send(200, json.dumps(callback(base, self.path)))
            except Exception as error:  # Whatever it is, the test shows it.
                self.send(500, repr(error))
        elif path == "/logout":
            hint = {
                "id_token_hint": kept["id_token"],
                "post_logout_redirect_uri": base + "/after",
                "state": "bye",
            }
            self.send(302, location=metadata["end_session_endpoint"] + "?" + urlencode(hint))
        else:
            self.send(200, "at " + self.path)

    def send(self, status, text="", location=None):
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), App)
print(f"ready {server.server_port}", flush=True)
server.serve_forever()
