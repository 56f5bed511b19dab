"""The limits that guard what is on: how much of each is used, who set it, what it denied last, and what is cooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Max
from django.utils.translation import gettext_lazy, ngettext

from monitoring.show.scene import Scene, open_positions, tuned
from monitoring.watch.words import age, grouped, market, percent, plain
from trading.gates import policy as law
from trading.gates import store
from trading.gates.catalogue import GATE_CODES
from trading.gates.desk import Holding
from trading.gates.judge import GATES
from trading.models import BalanceLook, Cycle, Decision, Directive, PolicyVersion, Position, TunedSetting
from trading.orders.rows import last_entries

HOUR = timedelta(hours=1)
VERSIONS = 12
CHART_BARS = 120
LOOK_BARS = 3  # for so long the balancer's look holds
NEAR = 0.9  # of a limit: from there on it is told
MOVED = 1.1  # entries are held to their limits; prices, fees and equity move what is open a little past them
ALARMING = ("daily_loss", "data_age")  # near these limits something goes wrong; full slots are no fault
BY_LAW = GATES.names


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: what is used of it, what it is, the setting to change. `used` is None where it can't be measured."""

    key: str
    title: str
    used: float | None
    most: float
    used_words: str
    most_words: str
    setting: str
    tuned: TunedSetting | None = None
    denial: Decision | None = None
    about: str = ""

    @property
    def share(self) -> float | None:
        """Of the limit, cut at 1."""
        if self.used is None:
            return None
        return min(1.0, self.used / self.most) if self.most else 1.0

    @property
    def shape(self) -> str:
        if self.used is None:
            return "unknown"
        if self.used > self.most * (1 if self.key in ALARMING else MOVED):
            return "fail"
        if self.used < NEAR * self.most:
            return "ok"
        return "warn" if self.key in ALARMING else "near"


@dataclass(frozen=True, slots=True)
class Cooling:
    """A symbol that may not be entered yet, because of one order."""

    symbol: str
    order_id: int
    since: datetime
    until: datetime
    seconds: int

    @property
    def title(self) -> str:
        return market(self.symbol)


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what it said first no to in the last hour, and the newest time it did."""

    name: str
    codes: tuple[str, ...]
    denied: int
    last: Decision | None


@dataclass(frozen=True, slots=True)
class Guard:
    """The risk guard's work in the last hour, and at the newest bar that had signals."""

    signals: int
    rejected: int
    passed: int
    gates: int
    bar_at: datetime | None
    bar_signals: int
    bar_asked: int
    bar_no: int


def config(scene: Scene) -> Any:
    """The configuration in force; one query."""
    return scene.config


def holdings(scene: Scene) -> tuple[Holding, ...]:
    """What is on, as the gates count it; three queries."""
    return store.holdings()


def leverage(scene: Scene) -> int | None:
    """The highest leverage setting among the open positions; one query."""
    return Position.objects.exclude(status=Position.CLOSED).aggregate(n=Max("leverage"))["n"]


def balance(scene: Scene) -> BalanceLook | None:
    return BalanceLook.objects.order_by("-at").first()


def denials(scene: Scene) -> dict[str, Decision]:
    """The newest rejection by code; two queries."""
    rejected = Decision.objects.filter(outcome=Decision.REJECTED)
    newest = dict(rejected.order_by().values_list("code").annotate(at=Max("at")))
    if not newest:
        return {}
    found = rejected.filter(code__in=list(newest), at__in=list(newest.values())).select_related("signal")
    rows = found.only("code", "at", "sentence", "rejections", "outcome", "signal__symbol", "signal__side").order_by(
        "id"
    )
    return {row.code: row for row in rows if newest[row.code] == row.at}


def limits(scene: Scene) -> list[Limit]:
    """Every limit with its use: what is over its limit first, then what is not measured, then the fullest."""
    account, held, now = scene.account, scene.once(holdings), scene.now
    have = scene.once(config)
    equity = account.equity if account and account.equity > 0 else None
    pair = tightest(paired(scene.once(balance), held, now))
    candle = (now - scene.facts.candle_at).total_seconds() if scene.facts.candle_at else None
    risk, gross = sum((h.risk for h in held), Decimal(0)), sum((abs(h.notional) for h in held), Decimal(0))
    largest = max((h.risk for h in held), default=Decimal(0))
    highest = scene.once(leverage)
    oldest = have.max_data_age.total_seconds()
    made = [
        limit("positions", len(held), have.QT_MAX_POSITIONS, plain, "QT_MAX_POSITIONS", besides(len(held), scene)),
        limit("open_risk", share_of(risk, equity), have.QT_MAX_OPEN_RISK, percent, "QT_MAX_OPEN_RISK"),
        limit("trade_risk", share_of(largest, equity), have.QT_RISK_PER_TRADE, percent, "QT_RISK_PER_TRADE"),
        limit("exposure", share_of(gross, equity), have.QT_MAX_LEVERAGE, times, "QT_MAX_LEVERAGE"),
        limit("leverage", highest or 0, have.QT_MAX_LEVERAGE, times, "QT_MAX_LEVERAGE"),
        limit(
            "daily_loss", float(account.loss_used) if account else None, have.QT_MAX_DAILY_LOSS, percent,
            "QT_MAX_DAILY_LOSS",
        ),
        limit(
            "correlation", pair[0] if len(held) > 1 else 0, have.QT_MAX_CORRELATION, two, "QT_MAX_CORRELATION",
            pair[1] if len(held) > 1 else "",
        ),
        limit("data_age", candle, oldest, age, "QT_MAX_DATA_AGE"),
    ]  # fmt: skip
    rows, last = scene.once(tuned), scene.once(denials)
    return sorted(
        (with_history(one, rows, last) for one in made),
        key=lambda one: (one.shape != "fail", -1.0 if one.share is None else -one.share, str(one.title)),
    )


TITLES = {
    "positions": gettext_lazy("Open positions"),
    "open_risk": gettext_lazy("Open risk"),
    "trade_risk": gettext_lazy("Largest risk of one position"),
    "exposure": gettext_lazy("Exposure, of equity"),
    "leverage": gettext_lazy("Highest leverage setting"),
    "daily_loss": gettext_lazy("Loss today"),
    "correlation": gettext_lazy("Highest correlation held"),
    "data_age": gettext_lazy("Age of the newest candle"),
}
DENIED_BY = {
    "positions": ("MAX_POSITIONS",),
    "open_risk": ("TOTAL_RISK",),
    "trade_risk": ("QTY_ZERO_AFTER_STEP", "MIN_NOTIONAL", "NOTIONAL_LIMIT"),
    "exposure": ("EXPOSURE", "INSUFFICIENT_MARGIN"),
    "leverage": ("LIQUIDATION_BUFFER",),
    "daily_loss": ("DAILY_LOSS",),
    "correlation": ("CORRELATION",),
    "data_age": ("FEED_STALE", "STALE_SIGNAL"),
}


def limit(
    key: str, used: float | None, most: float, words: Callable[[Any], str], setting: str, about: str = ""
) -> Limit:
    told = words(used) if used is not None else ""
    return Limit(key, str(TITLES[key]), used, float(most), told, words(most), setting, about=about)


def with_history(one: Limit, rows: Mapping[str, TunedSetting], last: Mapping[str, Decision]) -> Limit:
    found = [last[code] for code in DENIED_BY[one.key] if code in last]
    row = rows.get(one.setting)
    newest = max(found, key=lambda d: (d.at, d.pk), default=None)
    return replace(one, tuned=row if row and row.value else None, denial=newest)


def share_of(amount: Decimal, equity: Decimal | None) -> float | None:
    """None where the equity is not known: a share of nothing known is not 0."""
    return float(amount / equity) if equity else None


def besides(slots: int, scene: Scene) -> str:
    """Slots are taken by more than our open positions."""
    more = slots - len(scene.once(open_positions))
    told = ngettext("%(n)s on its way or not ours", "%(n)s on their way or not ours", more) if more > 0 else ""
    return told % {"n": more} if told else ""


def paired(look: BalanceLook | None, held: Sequence[Holding], now: datetime) -> list[Mapping[str, Any]]:
    """The balancer's pairs of what is held now; none where its look is too old to say."""
    if look is None or now - look.at > LOOK_BARS * settings.QUANTUM.bar:
        return []
    symbols = {one.symbol for one in held}
    return [pair for pair in look.pairs if {pair["first"], pair["second"]} <= symbols]


def tightest(pairs: Sequence[Mapping[str, Any]]) -> tuple[float | None, str]:
    """The pair that moves together most, and its names; None where one could not be measured."""
    known = [pair for pair in pairs if pair.get("rho") is not None]
    if not known:
        return None, ""
    top = max(known, key=lambda pair: pair["rho"])
    return max(0.0, float(top["rho"])), f"{market(top['first'])}, {market(top['second'])}"


def times(value: float) -> str:
    return f"{grouped(value, 2) if value != int(value) else plain(value)}×"


def two(value: float) -> str:
    return grouped(value, 2)


# -- cooldowns, directives --------------------------------------------------------------------------------------------


def cooling(scene: Scene) -> list[Cooling]:
    """Symbols that cool down now, the longest first; two queries."""
    rest = timedelta(seconds=scene.once(config).QT_COOLDOWN_SECONDS)
    entered = last_entries(since=scene.now - rest)
    found = [
        Cooling(symbol, order, at, at + rest, max(0, int((at + rest - scene.now).total_seconds())))
        for symbol, (at, order) in entered.items()
        if at + rest > scene.now
    ]
    return sorted(found, key=lambda one: (one.until, one.symbol), reverse=True)


def directives(scene: Scene) -> list[Directive]:
    """What self-healing lets the gates take on; one query."""
    standing = Directive.objects.filter(ended_at__isnull=True).order_by("at")
    return [row for row in standing if row.until is None or row.until > scene.now]


# -- the guard --------------------------------------------------------------------------------------------------------


def arrivals(scene: Scene) -> tuple[Cycle | None, dict[str, int]]:
    """The newest judged bar, and how its signals ended, most frequent first; two queries."""
    newest = Cycle.objects.defer("desk", "facts", "absent").order_by("-bar").first()
    if newest is None:
        return None, {}
    ended = Decision.objects.filter(signal__cycle=newest).order_by()
    counted = ended.values_list("outcome", "code").annotate(n=Count("pk")).order_by("-n", "code")
    return newest, {code or outcome.upper(): n for outcome, code, n in counted}


def guard(scene: Scene) -> Guard:
    """Signals asked about in the last hour, and how many gates the newest bar's were asked; two queries."""
    law_now = scene.funnel.law
    last = Cycle.objects.filter(signals__gt=0).order_by("-bar").values_list("pk", "at").first()
    answers = list(Decision.objects.filter(signal__cycle=last[0]).values_list("gates", flat=True)) if last else []
    told = [gate["passed"] for gates in answers for gate in gates if gate["passed"] is not None]
    return Guard(
        signals=law_now.signals,
        rejected=law_now.rejected,
        passed=law_now.signals - law_now.rejected,
        gates=len(BY_LAW),
        bar_at=last[1] if last else None,
        bar_signals=len(answers),
        bar_asked=len(told),
        bar_no=sum(not yes for yes in told),
    )


def gates(scene: Scene) -> list[Gate]:
    """Every gate in its order, with what it was the first to say no to."""
    counted, last = scene.funnel.by_code, scene.once(denials)
    made = []
    for name in BY_LAW:
        codes = tuple(code.value for code in GATE_CODES.get(name, ()))
        newest = max((last[code] for code in codes if code in last), key=lambda d: (d.at, d.pk), default=None)
        made.append(Gate(name, codes, sum(counted.get(code, 0) for code in codes), newest))
    return made


# -- the policy -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """What one regime and volatility would ask."""

    needs: float
    size: float
    entries: bool
    current: bool


def minima(scene: Scene) -> list[tuple[str, str, float, list[Cell]]]:
    """Regime, its setting, its configured minimum, and a cell for each volatility."""
    have, row = scene.once(config), scene.policy
    configured = {regime: getattr(have, law.setting(regime)) for regime in law.Regime}
    return [
        (
            regime.value,
            law.setting(regime),
            configured[regime],
            [
                Cell(
                    needs=max(law.min_confidence(regime, level, configured), have.QT_CONFIDENCE_THRESHOLD),
                    size=law.SIZE_VOLATILITY[level] * law.SIZE_REGIME[regime],
                    entries=level is not law.Volatility.EXTREME,
                    current=bool(row and (row.regime, row.volatility) == (regime.value, level.value)),
                )
                for level in law.Volatility
            ],
        )
        for regime in law.Regime
    ]


def versions(scene: Scene) -> list[tuple[PolicyVersion, timedelta]]:
    """The newest versions, and how long each was in force; one query."""
    rows = list(PolicyVersion.objects.order_by("-version")[:VERSIONS])
    ends = [scene.now, *(row.since for row in rows)]
    return [(row, end - row.since) for row, end in zip(rows, ends, strict=False)]


# -- codes over time --------------------------------------------------------------------------------------------------


def codes(scene: Scene) -> list[tuple[datetime, str, int]]:
    """(bar, code, how often) over the newest judged bars; two queries. A trade counts as TRADED."""
    judged = Cycle.objects.filter(timeframe=settings.QUANTUM.timeframe).order_by("-bar")
    bars = list(judged.values_list("bar", flat=True)[:CHART_BARS])
    if not bars:
        return []
    decided = Decision.objects.filter(signal__cycle__bar__gte=bars[-1], signal__cycle__bar__lte=bars[0])
    counted = decided.order_by().values_list("signal__cycle__bar", "outcome", "code").annotate(n=Count("id"))
    return sorted((bar, code or outcome.upper(), n) for bar, outcome, code, n in counted)
