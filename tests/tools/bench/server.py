"""The program under measurement, and how to talk to it."""

import http.client
import json
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import host

PASSWORD = "a long and boring password"
PUBLIC_URL = "https://gatepost.test"
SIGN_IN = "/v1/login/oauth/access_token"


class Server:
    """One running program. On SQLite in `data`, unless `settings` say something else."""

    def __init__(self, data, core=host.SERVER_CORE, **settings):
        self.port = host.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.local = threading.local()
        environment = {
            "PATH": os.environ["PATH"],
            "GATEPOST_LISTEN": f"127.0.0.1:{self.port}",
            "GATEPOST_PUBLIC_URL": PUBLIC_URL,
            "GATEPOST_METRICS_LISTEN": "off",
            "GATEPOST_DATA_DIR": data,
            "GATEPOST_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
            "GATEPOST_SIGN_INS_PER_MINUTE": "1000000",
            # What the hashes of the datasets are made with, so that none is made anew.
            "GATEPOST_PASSWORD_MEMORY_KIB": "1024",
            "GATEPOST_PASSWORD_ITERATIONS": "1",
            "GATEPOST_MULTI_TENANT": "true",
            "GATEPOST_LOG": "warn",
        }
        # `None` takes a setting back to its default.
        given = {**environment, **settings}
        environment = {name: value for name, value in given.items() if value is not None}
        begun = time.monotonic()
        self.process = subprocess.Popen(
            host.pinned(core, os.path.join(host.RELEASE, "gatepost"), "serve"),
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        host.wait(self.is_ready, "the start of the server")
        self.start_seconds = time.monotonic() - begun

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("the server ended at its start")
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None, token=None):
        """Status and JSON of a call over REST, on one connection for each thread."""
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            self.local.connection = connection
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.local.connection = None
            connection.close()
            raise OSError(error) from error
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status, json.loads(text) if is_json and text else None

    def must(self, method, path, body=None, token=None):
        status, answer = self.call(method, path, body, token)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def sign_in(self, username):
        grant = {"grantType": "password", "username": username, "password": PASSWORD}
        return self.must("POST", SIGN_IN, grant)["accessToken"]

    def tokens(self, usernames):
        """Real tokens of many people, from the endpoint that everybody uses."""
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(self.sign_in, usernames))

    def application(self, name, roles, algorithm, admin):
        body = {"name": name, "roles": roles, "tokenAlgorithm": algorithm}
        return self.must("POST", "/v1/applications", body, admin)

    def machine_tokens(self, application, count):
        grant = {"grantType": "client_credentials"}
        grant |= {name: application[name] for name in ["clientId", "clientSecret"]}
        with ThreadPoolExecutor(4) as threads:
            answers = threads.map(lambda _: self.must("POST", SIGN_IN, grant), range(count))
            return [answer["accessToken"] for answer in answers]

    def may(self, token, resource="accounts", action="get"):
        question = {"product": "midaz", "resource": resource, "action": action}
        return self.call("POST", "/v1/authorize", question, token)

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
        raise RuntimeError("the server ended")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
