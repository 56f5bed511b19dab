"""What must not leave in a text: the secrets that are known, in every form, and whatever looks like one. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

REMOVED = "[removed]"
SHORTEST = 6  # a shorter secret would take half the text with it
TOKEN_LENGTH = 12  # of a part of an alert's address that is a key
NAMES = r"password|passwd|passphrase|api[_-]?key|api[_-]?secret|secret(?:[_-]?key)?|token|signature|listen[_-]?key"
KINDS = "csrf|access|refresh|auth|bot|client|webhook"
NAME = re.compile(rf"(?i)(?:{NAMES}|authorization|cookie|sessionid)$")
PATTERNS = (
    re.compile(r"\bqt_[A-Za-z0-9_-]{8,}"),  # keys of our API
    re.compile(r"(?i)(\b(?:set-)?cookie\b[\"']?\s*[:=]\s*)([^\r\n]+)"),
    re.compile(r"(?i)(\b(?:sessionid|csrftoken)\b[\"']?\s*[:=]\s*[\"']?)([^\s,;\"'&]+)"),
    re.compile(r"(?i)(\bauthorization\b[\"']?\s*[:=]\s*[\"']?)((?:basic|bearer|digest|token)\s+)?([^\s\"',;]+)"),
    re.compile(r"(?i)(\bbearer\s+)([^\s\"',;]+)"),
    re.compile(rf"(?i)(\b(?:(?:{KINDS})[_-]?)?(?:{NAMES})\b[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&]+)"),
    re.compile(r"(\w+://[^\s:/@]*:)([^\s@]+)(?=@)"),  # a password in an address
    re.compile(r"(#t(?:oken)?=)(\S+)"),  # a login link
)


class Redaction:
    """Called with a text, or with a value of texts, it answers with the same without secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {form for secret in secrets if len(secret) >= SHORTEST for form in forms(secret)}
        longest_first = sorted(found, key=len, reverse=True)
        self.known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        if self.known:
            text = self.known.sub(REMOVED, text)
        return scrubbed(text)

    def value(self, value: Any) -> Any:
        """Numbers and truth values as they are, everything else as a text; what is named like a secret is removed."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {
                self(str(key)): REMOVED if NAME.search(str(key)) else self.value(item) for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self(str(value))


def scrubbed(text: str) -> str:
    """Without whatever looks like a secret."""
    for pattern in PATTERNS:
        text = pattern.sub(lambda found: f"{found[1] if found.lastindex else ''}{REMOVED}", text)
    return text


def forms(secret: str) -> set[str]:
    """As it is, and as addresses, JSON, Base64 and hexadecimal digits write it."""
    raw = secret.encode()
    coded = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], raw.hex(), *coded}


def passwords(address: str) -> set[str]:
    """The password in a database's or a broker's address."""
    try:
        found = urlsplit(address).password
    except ValueError:
        return set()
    return {found} if found else set()


def address_parts(addresses: str) -> set[str]:
    """Each address of an alert, and its parts that are keys: long, with a digit, and no name of a server."""
    found: set[str] = set()
    for address in addresses.split():
        found |= {address} | passwords(address)
        parts = re.split(r"[/:@?&=#,]+", address.partition("://")[2])
        found |= {part for part in parts if len(part) >= TOKEN_LENGTH and re.search(r"\d", part) and "." not in part}
    return found
