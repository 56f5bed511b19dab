"""Reading a request's parameters: each reader returns a value, or refuses with the venue's code and the name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from trading.practice.values import Refused

NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
SIGNED = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")

Params = Mapping[str, str]


def parse(raw: str) -> dict[str, str]:
    """A query string; a parameter sent twice is refused, as the venue does."""
    try:
        raw.encode()  # bytes that are no UTF-8 arrive as surrogates, which nothing below could sign or store
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=200, errors="strict")
    except (ValueError, UnicodeError):
        raise Refused(-1100, "Illegal characters found in a parameter.") from None
    params = dict(pairs)
    if len(params) < len(pairs):
        twice = next(name for name in params if sum(n == name for n, _ in pairs) > 1)
        raise Refused(-1101, f"Duplicate values for parameter '{twice}'.")
    return params


def missing(name: str) -> Refused:
    return Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def text(params: Params, name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise missing(name)
    return value


def choice(params: Params, name: str, allowed: Collection[str], code: int, default: str | None = None) -> str:
    """One of the allowed words; `code` is what the venue answers to any other."""
    value = params.get(name) or default
    if value is None:
        raise missing(name)
    if value not in allowed:
        raise Refused(code, f"Data sent for parameter '{name}' is not valid." if code == -1130 else "")
    return value


def number(params: Params, name: str) -> Decimal | None:
    """A number, or None where it was not sent. Negative ones parse: the filters refuse them with their own code."""
    value = params.get(name, "")
    if not value:
        return None
    if not SIGNED.fullmatch(value):
        raise Refused(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\\.[0-9]{{1,20}})?$'.",
        )
    return Decimal(value)


def required_number(params: Params, name: str) -> Decimal:
    value = number(params, name)
    if value is None:
        raise missing(name)
    return value


def integer(params: Params, name: str, low: int = 0, high: int = 2**62) -> int | None:
    value = params.get(name, "")
    if not value:
        return None
    if not re.fullmatch(r"-?[0-9]{1,19}", value):
        raise Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    if not low <= int(value) <= high:
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return int(value)


def required_integer(params: Params, name: str, low: int = 0, high: int = 2**62) -> int:
    value = integer(params, name, low, high)
    if value is None:
        raise missing(name)
    return value


def flag(params: Params, name: str) -> bool:
    value = params.get(name, "").lower()
    if value not in ("", "true", "false"):
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return value == "true"


def client_id(params: Params, name: str) -> str:
    """The client's own id for an order; empty where none was sent."""
    value = params.get(name, "")
    if value and len(value) > 36:
        raise Refused(-4015, "Client order id length should be less than 36 chars")
    if value and not CLIENT_ID.fullmatch(value):
        raise Refused(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'."
        )
    return value


def reference(params: Params, id_name: str, client_name: str) -> tuple[int | None, str | None]:
    """Which order is meant: by the venue's id or by the client's; one of both must be sent."""
    order_id = integer(params, id_name)
    client = params.get(client_name) or None
    if order_id is None and client is None:
        raise Refused(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
    return order_id, client
