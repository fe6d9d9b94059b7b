"""What schemathesis must know of our API: who signs in, what the bodies in our own formats look like, and where a request comes from."""

import functools
import itertools
import json
import os
import random
import struct
import urllib.error
import urllib.request

import schemathesis

# Set by `cargo xtask api-fuzz`; without a login nobody is signed in.
LOGIN = os.environ.get("ZOUFANG_API_FUZZ_LOGIN", "")
PASSWORD = os.environ.get("ZOUFANG_API_FUZZ_PASSWORD", "")
BASE = os.environ["ZOUFANG_API_FUZZ_URL"]

# Formats that are not JSON: their bodies are sent and compared as bytes. What is inside is the business of the fuzz targets of tests/fuzz.
OURS = ["application/vnd.zoufang.sync", "application/vnd.zoufang.parcels", "application/vnd.zoufang.inbox", "application/vnd.zoufang.wipe"]


def raw(value):
    """Bytes as they are; whatever else was made up, as the text of it."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    # OpenAPI says `array of bytes`: each number is one.
    if isinstance(value, list) and all(isinstance(byte, int) and not isinstance(byte, bool) for byte in value):
        return bytes(byte & 0xFF for byte in value)
    return json.dumps(value, default=str).encode()


for media_type in OURS:
    # Some bodies begin as ours do, so that more than the first four bytes are looked at.
    magic = {OURS[0]: b"ZFS", OURS[1]: b"ZFP1"}.get(media_type, b"")

    def serialize(context, value, magic=magic):
        body = raw(value)
        if magic and len(body) % 2:
            body = magic + struct.pack("<I", len(body)) + body
        return {"data": body}

    schemathesis.serializer(media_type)(serialize)

    # A JSON array of numbers, as the document describes bytes.
    schemathesis.deserializer(media_type)(lambda context, response: list(response.content))


_numbers = itertools.count()


def ask(path, body, token=None):
    headers = {"content-type": "application/json", "x-forwarded-for": "192.0.2.1"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(BASE + path, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def sign_in():
    return ask("/api/v1/sign-in", {"user": LOGIN, "password": PASSWORD, "device_label": "api-fuzz"})["token"]


@functools.cache
def people():
    """Ids of people that are there, so that not every request asks after nobody; for a role without lists, one that is not there."""
    try:
        found = ask("/api/v1/office/people/search", {"text": ""}, sign_in())
    except urllib.error.HTTPError:
        return ["0" * 26]
    return [person["id"] for person in found["items"]] or ["0" * 26]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Each request comes from an address of its own: limits by address have tests of their own, and would end these soon."""
    number = next(_numbers)
    if LOGIN and number % 3 == 0 and case.operation.path.startswith("/api/v1/people/"):
        case.path_parameters["id"] = random.Random(number).choice(people())
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


if LOGIN:

    @schemathesis.auth()
    class Session:
        """A session of one role, opened once."""

        def get(self, case, context):
            return sign_in()

        def set(self, case, data, context):
            case.headers["Authorization"] = f"Bearer {data}"
