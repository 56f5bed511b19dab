"""The audit chain: what people did, in order, each row's hash covering the row before it.

`append` is race-safe: on SQLite every transaction is IMMEDIATE (one writer at a time), on PostgreSQL an advisory lock
is held until the transaction ends. A cut tail can't be seen from inside the chain; its head is worth keeping elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from monitoring.models import AuditEntry

GENESIS = "0" * 64
LOCK = 7_263_001  # the chain's advisory lock on PostgreSQL


def append(
    *,
    who: str,
    action: str,
    now: datetime,
    target: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Add one row to the chain, in the caller's transaction where there is one."""
    with transaction.atomic():
        lock()
        last = AuditEntry.objects.order_by("-seq").values_list("seq", "hash").first() or (0, GENESIS)
        entry = AuditEntry(
            seq=last[0] + 1,
            at=now,
            who=who,
            action=action,
            target=target,
            before=plain(before or {}),
            after=plain(after or {}),
            reason=reason,
            previous=last[1],
        )
        entry.hash = digest(entry)
        entry.save(force_insert=True)
    return entry


def lock() -> None:
    """Hold the chain until the transaction at hand ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def plain(value: Any) -> Any:
    """JSON that both databases give back as it was: money as strings, whole floats as integers."""
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case Decimal():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case float() if value.is_integer():  # NaN and infinity are refused by `canonical`
            return int(value)
        case _:
            return value


def canonical(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(entry: AuditEntry) -> str:
    """SHA-256 over the row's canonical JSON, the hash before it included."""
    fields = ("seq", "at", "who", "action", "target", "before", "after", "reason", "previous")
    return hashlib.sha256(canonical({name: getattr(entry, name) for name in fields}).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verified:
    """How many rows hold, and the first that doesn't."""

    rows: int
    bad_seq: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        return self.bad_seq is None


def verify() -> Verified:
    """Walk the chain from its beginning; stop at the first bad row."""
    rows, previous = 0, GENESIS
    for entry in AuditEntry.objects.order_by("seq").iterator(2000):
        if entry.seq != rows + 1:
            return Verified(rows, rows + 1, f"row {rows + 1} is missing: the next one is {entry.seq}")
        if entry.previous != previous:
            return Verified(rows, entry.seq, f"row {entry.seq} does not follow the row before it")
        if entry.hash != digest(entry):
            return Verified(rows, entry.seq, f"row {entry.seq} was changed after it was written")
        rows, previous = entry.seq, entry.hash
    return Verified(rows)
