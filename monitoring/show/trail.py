"""A decision's gates as a trail: each answer, the measured value, its limit, and how far it was from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch.told import sentence
from monitoring.watch.words import age, grouped, percent, plain
from trading.codes import MEANINGS, Code

NEEDS = "needs"  # a minimum
AT_MOST = "at most"

# gate: (stage, what it asks, what a plain yes means)
GATES: dict[str, tuple[Any, Any, Any]] = {
    "execution_enabled": (
        gettext_lazy("Mode and system"),
        gettext_lazy("Execution is on"),
        gettext_lazy("Execution is on"),
    ),
    "venue_started": (
        gettext_lazy("Mode and system"),
        gettext_lazy("The venue is started"),
        gettext_lazy("It was checked, and somebody started it"),
    ),
    "switch_active": (
        gettext_lazy("Mode and system"),
        gettext_lazy("Kill switch"),
        gettext_lazy("The switch is on active"),
    ),
    "no_halt": (
        gettext_lazy("Mode and system"),
        gettext_lazy("Self-healing allows entries"),
        gettext_lazy("No directive against entries"),
    ),
    "account_known": (
        gettext_lazy("Mode and system"),
        gettext_lazy("The account is known"),
        gettext_lazy("The exchange has shown the account"),
    ),
    "fresh_candle": (gettext_lazy("Data"), gettext_lazy("Candle age"), gettext_lazy("The candle is fresh")),
    "fresh_signal": (gettext_lazy("Data"), gettext_lazy("Signal age"), gettext_lazy("The signal is fresh")),
    "fresh_price": (gettext_lazy("Data"), gettext_lazy("Mark price age"), gettext_lazy("The mark price is fresh")),
    "clock_right": (gettext_lazy("Data"), gettext_lazy("Clock"), gettext_lazy("The clocks agree")),
    "symbol_trading": (gettext_lazy("Data"), gettext_lazy("The symbol trades"), gettext_lazy("The exchange trades it")),
    "nothing_unresolved": (
        gettext_lazy("Data"),
        gettext_lazy("No order of unknown outcome"),
        gettext_lazy("No unknown outcome on the symbol"),
    ),
    "policy_allows": (
        gettext_lazy("Policy and the day"),
        gettext_lazy("Policy allows entries"),
        gettext_lazy("Entries are allowed"),
    ),
    "daily_loss": (
        gettext_lazy("Policy and the day"),
        gettext_lazy("Daily loss"),
        gettext_lazy("Below the day's limit"),
    ),
    "quorum": (gettext_lazy("Signal"), gettext_lazy("Models that voted"), gettext_lazy("Enough models voted")),
    "confidence": (gettext_lazy("Signal"), gettext_lazy("Confidence"), gettext_lazy("Confident enough")),
    "earns_its_costs": (
        gettext_lazy("Signal"),
        gettext_lazy("Expected value after costs"),
        gettext_lazy("It earns its costs"),
    ),
    "with_trend": (gettext_lazy("Signal"), gettext_lazy("Trend"), gettext_lazy("Not against the trend")),
    "funding": (gettext_lazy("Signal"), gettext_lazy("Funding"), gettext_lazy("Funding is bearable")),
    "near_signal_price": (gettext_lazy("Signal"), gettext_lazy("Price drift"), gettext_lazy("Near the signal's price")),
    "cooled_down": (gettext_lazy("Symbol"), gettext_lazy("Cooldown"), gettext_lazy("No order on the symbol before")),
    "one_position": (
        gettext_lazy("Symbol"),
        gettext_lazy("One position per symbol"),
        gettext_lazy("None is open on the symbol"),
    ),
    "free_slot": (gettext_lazy("Portfolio"), gettext_lazy("Free slot"), gettext_lazy("A slot was free")),
    "uncorrelated": (
        gettext_lazy("Portfolio"),
        gettext_lazy("Correlation"),
        gettext_lazy("Nothing held moves with it"),
    ),
    "quantity_left": (
        gettext_lazy("Size"),
        gettext_lazy("Quantity after rounding"),
        gettext_lazy("Something is left after rounding"),
    ),
    "notional_enough": (
        gettext_lazy("Size"),
        gettext_lazy("Smallest order"),
        gettext_lazy("Above the exchange's minimum"),
    ),
    "notional_allowed": (
        gettext_lazy("Size"),
        gettext_lazy("Largest order"),
        gettext_lazy("Within the leverage limit"),
    ),
    "open_risk": (gettext_lazy("Size"), gettext_lazy("Open risk"), gettext_lazy("Within the open risk")),
    "exposure": (gettext_lazy("Size"), gettext_lazy("Exposure"), gettext_lazy("Within the exposure limit")),
    "margin_free": (gettext_lazy("Size"), gettext_lazy("Free margin"), gettext_lazy("The margin suffices")),
    "liquidation_far": (
        gettext_lazy("Size"),
        gettext_lazy("Distance to liquidation"),
        gettext_lazy("Liquidation is far enough"),
    ),
}
MINIMA = {
    Code.LOW_CONFIDENCE,
    Code.EXPECTED_COST_TOO_HIGH,
    Code.COOLDOWN_ACTIVE,
    Code.WEAK_CONSENSUS,
    Code.AGAINST_TREND_LONG,
    Code.MIN_NOTIONAL,
    Code.QTY_ZERO_AFTER_STEP,
    Code.LIQUIDATION_BUFFER,
    Code.INSUFFICIENT_HISTORY,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a gate measured. `sense` says on which side of the limit it is allowed."""

    value: float
    limit: float
    sense: str
    words: str
    setting: str = ""

    @property
    def margin(self) -> float:
        """The distance to the limit as a share of it, -1..1; right of the line (positive) is allowed."""
        if not self.limit:
            return 1.0 if self.value == 0 else -1.0
        away = (self.value - self.limit) / abs(self.limit)
        return max(-1.0, min(1.0, away if self.sense == NEEDS else -away))


@dataclass(frozen=True, slots=True)
class Step:
    """One gate's line. `passed` is None where it was not asked."""

    name: str
    asks: str
    passed: bool | None
    words: str
    code: str = ""
    setting: str = ""
    margin: float | None = None

    @property
    def shape(self) -> str:
        return {True: "ok", False: "fail", None: "unknown"}[self.passed]

    @property
    def said(self) -> str:
        return {True: _("Passed:"), False: _("Rejected:"), None: _("Not asked:")}[self.passed]

    @property
    def way(self) -> str:
        if self.margin is None:
            return ""
        return "on" if abs(self.margin) < 1e-9 else "in" if self.margin > 0 else "out"


@dataclass(frozen=True, slots=True)
class Change:
    """What would have to be otherwise for this gate to pass."""

    code: str
    title: str
    sentence: str
    fix: str
    setting: str


@dataclass(frozen=True, slots=True)
class Trail:
    stages: tuple[tuple[str, tuple[Step, ...]], ...]
    changes: tuple[Change, ...]
    asked: int
    passed: int
    rejected: int

    @property
    def about(self) -> str:
        rest = sum(len(steps) for _, steps in self.stages) - self.asked
        told = _("%(asked)s asked: %(passed)s passed, %(rejected)s rejected")
        told %= {"asked": self.asked, "passed": self.passed, "rejected": self.rejected}
        return told + (_(", %(n)s not asked") % {"n": rest} if rest else "")


def trail(decision: Any) -> Trail:
    """A decision's gates in their order, by stage; the rejections meet the failing gates one to one."""
    noes = iter(decision.rejections)
    steps = [step(gate, noes, decision) for gate in decision.gates]
    asked = [s for s in steps if s.passed is not None]
    return Trail(
        stages=tuple(by_stage(steps)),
        changes=tuple(change(no) for no in decision.rejections),
        asked=len(asked),
        passed=sum(bool(s.passed) for s in asked),
        rejected=len({no["code"] for no in decision.rejections}) if decision.outcome == "rejected" else 0,
    )


def by_stage(steps: list[Step]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    stages: dict[str, list[Step]] = {}
    for one in steps:
        stages.setdefault(str(GATES.get(one.name, (_("Other"), "", ""))[0]), []).append(one)
    return ((name, tuple(lines)) for name, lines in stages.items())


def step(gate: Mapping[str, Any], noes: Iterator[Mapping[str, Any]], decision: Any) -> Step:
    name, passed = gate["name"], gate["passed"]
    _stage, asks, yes = map(str, GATES.get(name, ("", name.replace("_", " ").capitalize(), _("Passed"))))
    if passed is None:
        return Step(name, asks, None, _("Not asked: an earlier gate had said no"))
    if not passed:
        no = next(noes, {})
        return Step(name, asks, False, sentence(no), no.get("code", ""), no.get("setting", ""), missed(no))
    found = measured(name, decision)
    if found is None:
        return Step(name, asks, True, yes)
    return Step(name, asks, True, found.words, setting=found.setting, margin=max(0.0, found.margin))


def missed(no: Mapping[str, Any]) -> float | None:
    """By how much a rejection missed its limit, as a share of it; None where it is a yes or no."""
    value, limit = number(no.get("value")), number(no.get("limit"))
    if value is None or limit is None:
        return None
    sense = NEEDS if no.get("code") in MINIMA else AT_MOST
    return min(-0.02, Measure(value, limit, sense, "").margin)


def change(no: Mapping[str, Any]) -> Change:
    meaning = MEANINGS.get(Code(no["code"])) if no["code"] in Code.__members__ else None
    title, fix = (_(meaning.title), _(meaning.fix)) if meaning else (no["code"], "")
    return Change(no["code"], title, sentence(no), fix, no.get("setting", ""))


# -- what the desk says that a passing gate measured --------------------------------------------------------------


def measured(name: str, decision: Any) -> Measure | None:
    """From the desk as the gates saw it; None where it was not kept or the gate measures nothing."""
    desk, signal = decision.signal.cycle.desk, decision.signal
    market = (desk.get("markets") or {}).get(signal.symbol)
    reader = READERS.get(name)
    if not desk or market is None or reader is None:
        return None
    return reader(signal, desk, market, desk.get("limits") or {})


def number(value: Any) -> float | None:
    """A stored number, or None for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def seconds_since(desk: Mapping, moment: str | None) -> float | None:
    if not moment:
        return None
    return (datetime.fromisoformat(desk["now"]) - datetime.fromisoformat(moment)).total_seconds()


def aged(what: Any, key: str, limit: str, setting: str = "") -> Callable[..., Measure | None]:
    def read(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
        old, most = seconds_since(desk, market.get(key)), number(limits.get(limit))
        if old is None or most is None:
            return None
        old = max(0.0, old)  # two clocks may differ by a little
        return Measure(old, most, AT_MOST, str(what) % {"old": grouped(old, 1), "limit": age(most)}, setting)

    return read


def signal_age(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    most = number(limits.get("max_data_age"))
    if most is None:
        return None
    old = max(0.0, (datetime.fromisoformat(desk["now"]) - signal.at).total_seconds())
    return Measure(
        old,
        most,
        AT_MOST,
        _("Signal %(old)s s old, limit %(limit)s") % {"old": grouped(old, 1), "limit": age(most)},
        "QT_MAX_DATA_AGE",
    )


def day(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    equity, pnl, most = number(desk.get("equity")), number(desk.get("daily_pnl")), number(limits.get("max_daily_loss"))
    if not equity or pnl is None or most is None:
        return None
    lost = max(0.0, -pnl / (equity - pnl)) if equity != pnl else 0.0
    return Measure(
        lost,
        most,
        AT_MOST,
        _("%(lost)s lost today, at most %(most)s") % {"lost": percent(lost), "most": percent(most)},
        "QT_MAX_DAILY_LOSS",
    )


def voters(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    needed = number(limits.get("quorum"))
    if needed is None:
        return None
    return Measure(
        len(signal.votes),
        needed,
        NEEDS,
        _("%(n)s models voted, needs %(needed)s") % {"n": len(signal.votes), "needed": plain(needed)},
    )


def certainty(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    policy, floor = desk.get("policy") or {}, number(limits.get("confidence_threshold")) or 0.0
    needed = max(number(policy.get("min_confidence")) or signal.threshold, floor)
    setting = "QT_CONFIDENCE_THRESHOLD" if floor >= needed else policy.get("setting", "")
    words = _("%(is)s, needs %(needed)s") % {"is": grouped(signal.confidence, 3), "needed": grouped(needed, 3)}
    return Measure(signal.confidence, needed, NEEDS, words, setting)


def worth(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    """Break-even after costs c, in R: (1 + c) / (1 + T)."""
    fee, slip, target = (number(limits.get(k)) for k in ("taker_fee", "slippage", "target_r"))
    if fee is None or slip is None or target is None or not signal.r:
        return None
    costs = 2 * (fee + slip) * float(signal.price) / signal.r
    needed = (1 + costs) / (1 + target)
    told = {"is": grouped(signal.confidence, 3), "needed": grouped(needed, 3), "costs": grouped(costs, 2)}
    words = _("%(is)s, needs %(needed)s with costs of %(costs)s R") % told
    return Measure(signal.confidence, needed, NEEDS, words, "QT_MIN_STOP_COSTS")


def slope(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    mean, band = number(market.get("ema200")), number(limits.get("trend_band"))
    override = number(limits.get("countertrend_confidence"))
    if not mean or band is None or (override is not None and signal.confidence >= override):
        return None
    share = float(signal.price) / mean
    long = signal.side == "long"
    limit, sense = (1 - band, NEEDS) if long else (1 + band, AT_MOST)
    told = (
        _("%(is)s of the 200-bar mean, needs %(limit)s") if long else _("%(is)s of the 200-bar mean, at most %(limit)s")
    )
    return Measure(share, limit, sense, told % {"is": percent(share, 1), "limit": percent(limit, 1)})


def paid(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    rate, most = number(market.get("funding_rate")), number(limits.get("max_funding"))
    if rate is None or most is None:
        return None
    pays = rate if signal.side == "long" else -rate
    return Measure(
        pays,
        most,
        AT_MOST,
        _("%(pays)s per 8 h to pay, at most %(most)s") % {"pays": percent(pays, 3), "most": percent(most, 3)},
    )


def drift(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    mark, most = number(market.get("mark")), number(limits.get("max_price_drift"))
    if mark is None or most is None or not signal.r:
        return None
    moved = abs(mark - float(signal.price)) / signal.r
    told = {"moved": grouped(moved, 2), "most": grouped(most, 2)}
    return Measure(moved, most, AT_MOST, _("%(moved)s R from the signal's price, at most %(most)s") % told)


def cooldown(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    passed, needed = seconds_since(desk, market.get("last_order_at")), number(limits.get("cooldown"))
    if passed is None or needed is None:
        return None
    words = _("%(passed)s s since the last order, needs %(needed)s s")
    words %= {"passed": grouped(passed), "needed": grouped(needed)}
    return Measure(passed, needed, NEEDS, words, "QT_COOLDOWN_SECONDS")


READERS: dict[str, Callable[..., Measure | None]] = {
    "fresh_candle": aged(
        gettext_lazy("Candle %(old)s s old, limit %(limit)s"), "candle_at", "max_data_age", "QT_MAX_DATA_AGE"
    ),
    "fresh_signal": signal_age,
    "fresh_price": aged(gettext_lazy("Mark price %(old)s s old, limit %(limit)s"), "mark_at", "max_price_age"),
    "daily_loss": day,
    "quorum": voters,
    "confidence": certainty,
    "earns_its_costs": worth,
    "with_trend": slope,
    "funding": paid,
    "near_signal_price": drift,
    "cooled_down": cooldown,
}
