"""Failed logins, counted per name and address, and per address alone; five, or twenty, in 15 minutes are enough."""

from __future__ import annotations

import hashlib

from django.core.cache import caches

WINDOW = 15 * 60
PER_PAIR, PER_ADDRESS = 5, 20
ROOM = "logins"


def keys(name: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    pair = hashlib.sha256(f"{name.lower()}\n{address}".encode("utf-8", "replace")).hexdigest()
    return (f"login:{pair}", PER_PAIR), (f"login:{address}", PER_ADDRESS)


def full(name: str, address: str) -> bool:
    return any(caches[ROOM].get(key, 0) >= most for key, most in keys(name, address))


def count(name: str, address: str) -> None:
    """One more failure; the window begins with the first."""
    for key, _ in keys(name, address):
        if not caches[ROOM].add(key, 1, WINDOW):
            caches[ROOM].incr(key)
