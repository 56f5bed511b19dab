"""A decision's gates as a trail: each answer, the measured value, its limit, and how far it was from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.watch.words import NBSP, age, grouped, percent, plain
from trading.codes import MEANINGS, Code

NEEDS = "needs"  # a minimum
AT_MOST = "at most"

# gate: (stage, what it asks, what a plain yes means)
GATES: dict[str, tuple[str, str, str]] = {
    "execution_enabled": ("Mode and system", "Execution is on", "Execution is on"),
    "switch_active": ("Mode and system", "Kill switch", "The switch is on active"),
    "no_halt": ("Mode and system", "Self-healing allows entries", "No directive against entries"),
    "account_known": ("Mode and system", "The account is known", "The exchange has shown the account"),
    "fresh_candle": ("Data", "Candle age", "The candle is fresh"),
    "fresh_signal": ("Data", "Signal age", "The signal is fresh"),
    "fresh_price": ("Data", "Mark price age", "The mark price is fresh"),
    "symbol_trading": ("Data", "The symbol trades", "The exchange trades it"),
    "nothing_unresolved": ("Data", "No order of unknown outcome", "No unknown outcome on the symbol"),
    "policy_allows": ("Policy and the day", "Policy allows entries", "Entries are allowed"),
    "daily_loss": ("Policy and the day", "Daily loss", "Below the day's limit"),
    "quorum": ("Signal", "Models that voted", "Enough models voted"),
    "confidence": ("Signal", "Confidence", "Confident enough"),
    "earns_its_costs": ("Signal", "Expected value after costs", "It earns its costs"),
    "with_trend": ("Signal", "Trend", "Not against the trend"),
    "funding": ("Signal", "Funding", "Funding is bearable"),
    "near_signal_price": ("Signal", "Price drift", "Near the signal's price"),
    "cooled_down": ("Symbol", "Cooldown", "No order on the symbol before"),
    "one_position": ("Symbol", "One position per symbol", "None is open on the symbol"),
    "free_slot": ("Portfolio", "Free slot", "A slot was free"),
    "uncorrelated": ("Portfolio", "Correlation", "Nothing held moves with it"),
    "quantity_left": ("Size", "Quantity after rounding", "Something is left after rounding"),
    "notional_enough": ("Size", "Smallest order", "Above the exchange's minimum"),
    "notional_allowed": ("Size", "Largest order", "Within the leverage limit"),
    "open_risk": ("Size", "Open risk", "Within the open risk"),
    "exposure": ("Size", "Exposure", "Within the exposure limit"),
    "margin_free": ("Size", "Free margin", "The margin suffices"),
    "liquidation_far": ("Size", "Distance to liquidation", "Liquidation is far enough"),
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
        return {True: "Passed:", False: "Rejected:", None: "Not asked:"}[self.passed]

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
        unasked = f", {rest} not asked" if rest else ""
        return f"{self.asked} asked: {self.passed} passed, {self.rejected} rejected{unasked}"


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
        stages.setdefault(GATES.get(one.name, ("Other", "", ""))[0], []).append(one)
    return ((name, tuple(lines)) for name, lines in stages.items())


def step(gate: Mapping[str, Any], noes: Iterator[Mapping[str, Any]], decision: Any) -> Step:
    name, passed = gate["name"], gate["passed"]
    _, asks, yes = GATES.get(name, ("", name.replace("_", " ").capitalize(), "Passed"))
    if passed is None:
        return Step(name, asks, None, "Not asked: an earlier gate had said no")
    if not passed:
        no = next(noes, {})
        return Step(name, asks, False, no.get("sentence", ""), no.get("code", ""), no.get("setting", ""), missed(no))
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
    title, fix = (meaning.title, meaning.fix) if meaning else (no["code"], "")
    return Change(no["code"], title, no.get("sentence", ""), fix, no.get("setting", ""))


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


def aged(what: str, key: str, limit: str, setting: str = "") -> Callable[..., Measure | None]:
    def read(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
        old, most = seconds_since(desk, market.get(key)), number(limits.get(limit))
        if old is None or most is None:
            return None
        old = max(0.0, old)  # two clocks may differ by a little
        return Measure(old, most, AT_MOST, f"{what} {grouped(old, 1)}{NBSP}s old, limit {age(most)}", setting)

    return read


def signal_age(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    most = number(limits.get("max_data_age"))
    if most is None:
        return None
    old = max(0.0, (datetime.fromisoformat(desk["now"]) - signal.at).total_seconds())
    return Measure(old, most, AT_MOST, f"Signal {grouped(old, 1)}{NBSP}s old, limit {age(most)}", "QT_MAX_DATA_AGE")


def day(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    equity, pnl, most = number(desk.get("equity")), number(desk.get("daily_pnl")), number(limits.get("max_daily_loss"))
    if not equity or pnl is None or most is None:
        return None
    lost = max(0.0, -pnl / (equity - pnl)) if equity != pnl else 0.0
    return Measure(lost, most, AT_MOST, f"{percent(lost)} lost today, at most {percent(most)}", "QT_MAX_DAILY_LOSS")


def voters(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    needed = number(limits.get("quorum"))
    if needed is None:
        return None
    return Measure(len(signal.votes), needed, NEEDS, f"{len(signal.votes)} models voted, needs {plain(needed)}")


def certainty(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    policy, floor = desk.get("policy") or {}, number(limits.get("confidence_threshold")) or 0.0
    needed = max(number(policy.get("min_confidence")) or signal.threshold, floor)
    setting = "QT_CONFIDENCE_THRESHOLD" if floor >= needed else policy.get("setting", "")
    words = f"{grouped(signal.confidence, 3)}, needs {grouped(needed, 3)}"
    return Measure(signal.confidence, needed, NEEDS, words, setting)


def worth(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    """Break-even after costs c, in R: (1 + c) / (1 + T)."""
    fee, slip, target = (number(limits.get(k)) for k in ("taker_fee", "slippage", "target_r"))
    if fee is None or slip is None or target is None or not signal.r:
        return None
    costs = 2 * (fee + slip) * float(signal.price) / signal.r
    needed = (1 + costs) / (1 + target)
    words = f"{grouped(signal.confidence, 3)}, needs {grouped(needed, 3)} with costs of {grouped(costs, 2)}{NBSP}R"
    return Measure(signal.confidence, needed, NEEDS, words, "QT_MIN_STOP_COSTS")


def slope(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    mean, band = number(market.get("ema200")), number(limits.get("trend_band"))
    override = number(limits.get("countertrend_confidence"))
    if not mean or band is None or (override is not None and signal.confidence >= override):
        return None
    share = float(signal.price) / mean
    long = signal.side == "long"
    limit, sense = (1 - band, NEEDS) if long else (1 + band, AT_MOST)
    return Measure(share, limit, sense, f"{percent(share, 1)} of the 200-bar mean, {sense} {percent(limit, 1)}")


def paid(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    rate, most = number(market.get("funding_rate")), number(limits.get("max_funding"))
    if rate is None or most is None:
        return None
    pays = rate if signal.side == "long" else -rate
    return Measure(pays, most, AT_MOST, f"{percent(pays, 3)} per 8{NBSP}h to pay, at most {percent(most, 3)}")


def drift(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    mark, most = number(market.get("mark")), number(limits.get("max_price_drift"))
    if mark is None or most is None or not signal.r:
        return None
    moved = abs(mark - float(signal.price)) / signal.r
    return Measure(
        moved, most, AT_MOST, f"{grouped(moved, 2)}{NBSP}R from the signal's price, at most {grouped(most, 2)}"
    )


def cooldown(signal: Any, desk: Mapping, market: Mapping, limits: Mapping) -> Measure | None:
    passed, needed = seconds_since(desk, market.get("last_order_at")), number(limits.get("cooldown"))
    if passed is None or needed is None:
        return None
    words = f"{grouped(passed)}{NBSP}s since the last order, needs {grouped(needed)}{NBSP}s"
    return Measure(passed, needed, NEEDS, words, "QT_COOLDOWN_SECONDS")


READERS: dict[str, Callable[..., Measure | None]] = {
    "fresh_candle": aged("Candle", "candle_at", "max_data_age", "QT_MAX_DATA_AGE"),
    "fresh_signal": signal_age,
    "fresh_price": aged("Mark price", "mark_at", "max_price_age"),
    "daily_loss": day,
    "quorum": voters,
    "confidence": certainty,
    "earns_its_costs": worth,
    "with_trend": slope,
    "funding": paid,
    "near_signal_price": drift,
    "cooled_down": cooldown,
}
