"""Signatures: who knows the secret comes in, nobody else, and nothing is told of why."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from mappings.errors import Unauthorized
from service.webhooks.signatures import SignatureScheme, check_signature

BODY = b'{"id": 1, "price": 12.50}'
NOW = 1_772_366_400.0


def sign(secret: str, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), message, getattr(hashlib, algorithm)).digest()


def check(scheme, body=BODY, *, secrets=("right",), **headers) -> None:
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    check_signature(scheme, secrets, body, lower, now=NOW)


BASE64 = SignatureScheme("X-Signature")
HEX = SignatureScheme("X-Signature", "sha512", "hex", prefix="sha512=")


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        (BASE64, base64.b64encode(sign("right", BODY)).decode()),
        (HEX, "sha512=" + sign("right", BODY, "sha512").hex()),
    ],
)
def test_right_signature_passes_and_any_other_body_does_not(scheme, text):
    check(scheme, x_signature=text)
    check(scheme, secrets=("newer", "right"), x_signature=text)
    for body in (BODY + b" ", BODY.replace(b"12.50", b"12.5"), b""):
        with pytest.raises(Unauthorized):
            check(scheme, body, x_signature=text)


GOOD = base64.b64encode(sign("right", BODY)).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_signature": ""},
        {"x_signature": base64.b64encode(sign("wrong", BODY)).decode()},
        {"x_signature": base64.b64encode(sign("right", BODY)[:16]).decode()},
        {"x_signature": GOOD[:-4]},
        {"x_signature": sign("right", BODY).hex()},
        {"x_signature": "é"},
        {"authorization": GOOD},
    ],
    ids=str,
)
def test_wrong_signature_is_refused_alike(headers):
    with pytest.raises(Unauthorized) as caught:
        check(BASE64, **headers)
    assert str(caught.value) == "the signature is missing or wrong"


def test_prefix_is_needed():
    with pytest.raises(Unauthorized):
        check(HEX, x_signature=sign("right", BODY, "sha512").hex())


TIMED = SignatureScheme(
    "X-Signature", "sha256", "hex", timestamp_header="X-Time", signed="v0:{timestamp}:{body}"
)


@pytest.mark.parametrize("time", ["1772366400", "1772366150", "1772366400123", "1772366699.5"])
def test_signed_time_that_is_near_passes(time):
    text = sign("right", b"v0:" + time.encode() + b":" + BODY).hex()
    check(TIMED, x_signature=text, x_time=time)


@pytest.mark.parametrize("time", ["1772366000", "1772366800", "soon", "", "nan"])
def test_signed_time_that_is_not_near_is_refused(time):
    text = sign("right", b"v0:" + time.encode() + b":" + BODY).hex()
    with pytest.raises(Unauthorized):
        check(TIMED, x_signature=text, x_time=time)


def test_time_that_was_changed_is_refused():
    text = sign("right", b"v0:1772360000:" + BODY).hex()
    with pytest.raises(Unauthorized):
        check(TIMED, x_signature=text, x_time="1772366400")
