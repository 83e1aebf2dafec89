"""Messages in Protobuf, as far as these measurements send any."""


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """A text, a message, or a number; absent when it is empty, as in proto3."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def messages(message, wanted):
    """The messages under a number; of the other fields only lengths and numbers are read."""
    found, at = [], 0

    def read():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag, value = read(), read()
        if tag & 7 == 2:
            at += value
            found += [message[at - value : at]] if tag >> 3 == wanted else []
        elif tag & 7:
            raise ValueError("a field of a kind that none of these messages has")
    return found


def pairs(number, texts):
    """A `map<string, string>`."""
    return b"".join(field(number, field(1, key) + field(2, texts[key])) for key in texts)


def frame(message):
    return b"\0" + len(message).to_bytes(4, "big") + message


HEALTH = "/grpc.health.v1.Health/Check"
AUTHORIZE = "/gatepost.authorize.v1.AuthorizeService/Authorize"
BATCH = "/gatepost.authorize.v1.AuthorizeService/BatchAuthorize"
CHECK = "/envoy.service.auth.v3.Authorization/Check"
CERBOS = "/cerbos.svc.v1.CerbosService/CheckResources"

# What the generated roles allow to everybody, to most, to some and to nobody.
QUESTIONS = [("accounts", "get"), ("ledgers", "post"), ("accounts", "delete"), ("assets", "patch")]


def authorize(resource="accounts", action="get"):
    return field(2, "midaz") + field(3, resource) + field(4, action)


def batch(size):
    """`BatchAuthorizeRequest`: questions of one product, in turn those of above."""
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(size)]
    one = [field(3, resource) + field(4, action) for resource, action in questions]
    return field(2, "midaz") + b"".join(field(3, question) for question in one)


def check(token, headers_bytes):
    """Envoy's `CheckRequest` with so many bytes of headers; asks for accounts:get of midaz."""
    headers = {
        ":authority": "ledger.example.com",
        ":method": "GET",
        ":path": "/v1/organizations/0190d1a0/ledgers/0190d1a1/accounts/0190d1a2",
        ":scheme": "https",
        "accept": "application/json",
        "authorization": f"Bearer {token}",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
        "x-request-id": "0190d1a0-0000-7000-8000-000000000001",
    }
    size = sum(len(name) + len(value) for name, value in headers.items())
    headers["cookie"] = "preferences=" + "x" * max(0, headers_bytes - size - len("preferences="))
    address = field(1, field(2, "203.0.113.7") + field(3, 40_000))
    peer = field(1, address)
    http = field(1, "5577006791947779410") + field(2, "GET") + pairs(3, headers)
    http += field(4, headers[":path"]) + field(5, headers[":authority"]) + field(6, "https")
    http += field(10, "HTTP/1.1")
    context = {"product": "midaz", "resource": "accounts", "action": "get"}
    attributes = field(1, peer) + field(2, peer) + field(4, field(2, http)) + pairs(10, context)
    return field(1, attributes)


def check_resources():
    """Cerbos' `CheckResourcesRequest`: may somebody with the role `viewer` get an account?"""
    principal = field(1, "alice") + field(3, "viewer")
    resource = field(1, "accounts") + field(3, "account-1")
    return field(3, principal) + field(4, field(1, "get") + field(2, resource))


# `get` is EFFECT_ALLOW in the answer to that.
CERBOS_ALLOWS = field(1, "get") + field(2, 1)
