"""The audit chain: what people did, in order, each row's hash covering the row before it.

`append` is race-safe: on SQLite every transaction is IMMEDIATE (one writer at a time), on PostgreSQL an advisory lock
is held until the transaction ends. A cut tail can't be seen from inside the chain; its head is worth keeping elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

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


def holds(entry: AuditEntry) -> bool:
    """Whether the row is as it was written; what can't be hashed at all was never written by `append`."""
    try:
        return entry.hash == digest(entry)
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Verified:
    """How many of the rows that were walked hold, and the first that doesn't. `head` is the last good row's hash."""

    rows: int
    bad_seq: int | None = None
    why: str = ""
    head: str = field(default=GENESIS, compare=False)

    @property
    def ok(self) -> bool:
        return self.bad_seq is None


def verify(newest: int | None = None) -> Verified:
    """Walk the chain from its beginning, or only about its `newest` rows; stop at the first bad row."""
    before = start(newest) if newest is not None else None
    seq, previous = (before.seq, before.hash) if before else (0, GENESIS)
    rows = 0
    for entry in AuditEntry.objects.filter(seq__gt=seq).order_by("seq").iterator(2000):
        if why := fault(entry, seq, previous):
            return Verified(rows, seq + 1, why, previous)
        rows, seq, previous = rows + 1, entry.seq, entry.hash
    return Verified(rows, head=previous)


def start(newest: int) -> AuditEntry | None:
    """The row before the newest ones; None where they are all there is."""
    last = AuditEntry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    return AuditEntry.objects.filter(seq__lte=last - newest).order_by("-seq").first()


def fault(entry: AuditEntry, seq: int, previous: str) -> str:
    """What is wrong with a row behind row `seq`, whose hash is `previous`; nothing where it holds."""
    if entry.seq != seq + 1:
        return _("row %(seq)s is missing: the next one is %(next)s") % {"seq": seq + 1, "next": entry.seq}
    if entry.previous != previous:
        return _("row %(seq)s does not follow the row before it") % {"seq": entry.seq}
    if not holds(entry):
        return _("row %(seq)s was changed after it was written") % {"seq": entry.seq}
    return ""
