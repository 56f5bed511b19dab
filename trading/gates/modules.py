"""What runs in this stage: the Orchestrator Policy, the Risk Guard and the Portfolio Balancer."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from trading.feed import quality
from trading.feed import rows as feed_rows
from trading.gates import policy, rows, store
from trading.models import Decision, ModuleState
from trading.runtime import CALLER, Report, register

BARS = 400  # enough for ADX14 to forget where it began
LOOK_BACK = timedelta(hours=1)
SETTLED = timedelta(seconds=10)  # a bar's late symbols are in by then


@register
class OrchestratorPolicy:
    """Measures the newest settled bar of all symbols and keeps the policy's version."""

    name, title, every, queue = "policy", "Orchestrator Policy", timedelta(seconds=60), "work"

    def tick(self, now: datetime) -> Report:
        from trading.forecast.features import indicators

        symbols = feed_rows.universe()
        if not symbols:
            return Report.idle("no universe yet")
        config = settings.QUANTUM
        bar = settled_bar(now, config.bar)
        book = feed_rows.load_book(symbols, config.timeframe, until=bar, bars=BARS)
        if book.last != bar:
            return Report.idle(f"no candle of {bar:%H:%M} yet")
        measured = indicators(book)
        facts = policy.measure(measured.atr_share, measured.adx)
        if facts is None:
            return Report.idle(f"none of {len(symbols)} symbols has enough candles yet", examined=len(symbols))
        before = rows.newest_policy()
        row = rows.store_policy(facts, now)
        changed = before is None or row.pk != before.pk
        return Report(examined=facts.symbols, actions=int(changed), panels=("policy", "verdict") if changed else ())


def settled_bar(now: datetime, step: timedelta) -> datetime:
    """Open time of the newest bar that closed at least SETTLED ago."""
    return quality.newest_closed(now - SETTLED, step)


@register
class RiskGuard:
    """Proves from the decisions that the gates were asked: what they answered since it last looked.

    An order that some gate has not passed is a fault of the program, and is raised as one. The executor's cycle beats
    for it too, at each bar; what that beat has counted is not counted again.
    """

    name, title, every, queue = "risk_guard", "Risk Guard", timedelta(seconds=30), "work"

    def tick(self, now: datetime) -> Report:
        since = ModuleState.objects.filter(name=self.name).values_list("last_tick", flat=True).first()
        since = since or now - self.every
        if unasked := slipped(now):
            raise RuntimeError(f"decisions that let an order through without every gate's yes: {unasked[:10]}")
        answers = Decision.objects.filter(at__gt=since, at__lte=now)
        asked, rejected = answers.count(), answers.filter(outcome=Decision.REJECTED).count()
        return Report(asked, rejected) if asked else Report.idle(f"no signal since {since:%H:%M:%S}")


def slipped(now: datetime) -> list[int]:
    """Decisions of the last hour that ended in an order although a gate said no, or was not asked."""
    let_through = Decision.objects.filter(at__gt=now - LOOK_BACK).exclude(outcome=Decision.REJECTED)
    answers = let_through.values_list("pk", "gates")
    return [pk for pk, gates in answers if not (gates and all(gate["passed"] is True for gate in gates))]


@register
class PortfolioBalancer:
    """Weighs the portfolio and proposes trims; it never trades. The executor asks it at each bar too."""

    name, title, queue = "portfolio_balancer", "Portfolio Balancer", "work"
    every = timedelta(seconds=settings.QUANTUM.QT_PORTFOLIO_BALANCER_INTERVAL)

    def tick(self, now: datetime) -> Report:
        return store.look(now, CALLER.get())
