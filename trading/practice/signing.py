"""Who may ask: API key, HMAC-SHA256 signature, timestamp and receive window, checked as the venue checks them. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from trading.practice import params as read
from trading.practice.params import Params
from trading.practice.values import Refused

DEFAULT_WINDOW, MAX_WINDOW = 5_000, 60_000
AHEAD = 1_000


def check_key(headers: Mapping[str, str], keys: Mapping[str, str]) -> str:
    """The secret that belongs to the request's API key."""
    key = next((value for name, value in headers.items() if name.lower() == "x-mbx-apikey"), "")
    if not key:
        raise Refused(-2014)
    if key not in keys:
        raise Refused(-2015)
    return keys[key]


def check_signature(query: str, body: str, secret: str) -> None:
    """The signature covers the query string followed by the body, without the signature itself."""
    payload, given = "", ""
    for part in (query, body):
        rest, found = _without_signature(part)
        payload, given = payload + rest, given or found
    if not given:
        raise read.missing("signature")
    if not hmac.compare_digest(sign(payload, secret).encode(), given.lower().encode()):
        raise Refused(-1022)


def sign(payload: str, secret: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_time(params: Params, now: int) -> None:
    """Not more than a second ahead of us, and not older than its receive window."""
    at = read.required_integer(params, "timestamp")
    window = read.integer(params, "recvWindow")
    window = DEFAULT_WINDOW if window is None else window
    if window > MAX_WINDOW:
        raise Refused(-1131, "recvWindow must be less than 60000", 400)
    if at >= now + AHEAD:
        raise Refused(-1021, f"Timestamp for this request was {AHEAD}ms ahead of the server's time.")
    if now - at > window:
        raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


def _without_signature(part: str) -> tuple[str, str]:
    pairs = part.split("&") if part else []
    found = next((p for p in pairs if p.startswith("signature=")), "")
    return "&".join(p for p in pairs if p is not found), found.removeprefix("signature=")
