"""The laws as queries: what must hold at every moment, asked of the rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from trading.models import Signal


@dataclass(frozen=True, slots=True)
class Conservation:
    """Law 1: signals = traded + rejected + failed + pending."""

    signals: int
    traded: int
    rejected: int
    failed: int
    pending: int

    @property
    def holds(self) -> bool:
        return self.signals == self.traded + self.rejected + self.failed + self.pending


def conservation(where: Q | None = None) -> Conservation:
    """The law of conservation in one query; `where` narrows the signals, e.g. Q(at__gte=...)."""
    row = Signal.objects.filter(where or Q()).aggregate(
        signals=Count("id"),
        **{o: Count("id", filter=Q(decision__outcome=o)) for o in ("traded", "rejected", "failed", "pending")},
    )
    return Conservation(**row)
