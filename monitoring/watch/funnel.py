"""Where the signals went: universe -> evaluated -> signals -> passed -> traded, and the law that nothing vanishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Sum
from django.utils.translation import gettext

from monitoring.watch.told import sentence
from trading.codes import MEANINGS, Code
from trading.laws import Conservation
from trading.models import Cycle, Decision, Signal

EXAMPLES = 400  # newest rejections that are read for the sentences


@dataclass(frozen=True, slots=True)
class Reason:
    """One code of the funnel: how often, on how many different symbols, and the sentence of its median case."""

    code: str
    n: int
    sentence: str
    setting: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    symbols: int = 0


@dataclass(frozen=True, slots=True)
class Spread:
    """Different symbols, where the funnel counts signals and judgements."""

    signals: int = 0  # that had any signal
    traded: int = 0
    absent: Mapping[str, int] = field(default_factory=dict)  # not evaluated, by code
    failed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Funnel:
    """One window's counts. `reasons` holds the rejections by code, most frequent first."""

    since: datetime
    until: datetime
    bars: int
    symbols: int
    evaluated: int
    flat: int
    not_evaluated: dict[str, int]
    judged_signals: int  # as the cycles counted them; `law.signals` counts the rows
    law: Conservation
    reasons: tuple[Reason, ...]
    failed_by_code: dict[str, int]
    as_of: datetime | None
    spread: Spread = Spread()

    @property
    def signals(self) -> int:
        return self.law.signals

    @property
    def passed(self) -> int:
        """Signals that no gate rejected."""
        return self.law.signals - self.law.rejected

    @property
    def by_code(self) -> dict[str, int]:
        return {reason.code: reason.n for reason in self.reasons}

    @property
    def law_holds(self) -> bool:
        return self.law.holds and self.judged_signals == self.law.signals

    @property
    def dominant(self) -> Reason | None:
        """What stopped most: of the signals, or, where there is none, of the symbols that should have been judged."""
        if self.reasons:
            return self.reasons[0]
        if self.signals or not self.not_evaluated:
            return None
        code, n = max(self.not_evaluated.items(), key=lambda pair: (pair[1], pair[0]))
        return told(code, n, self.spread.absent.get(code, 0))


def funnel(window: timedelta, now: datetime) -> Funnel:
    """The bars that closed within `window` before `now`; four queries whatever their number."""
    since, step = now - window, settings.QUANTUM.bar
    cycles = Cycle.objects.filter(timeframe=settings.QUANTUM.timeframe, bar__gt=since - step, bar__lte=now - step)
    sums = cycles.aggregate(
        bars=Count("id"), symbols=Sum("symbols"), evaluated=Sum("evaluated"), flat=Sum("flat"),
        judged_signals=Sum("signals"), as_of=Max("at"),
    )  # fmt: skip
    as_of = sums.pop("as_of")
    absent = list(cycles.exclude(not_evaluated={}).values_list("not_evaluated", "absent").annotate(n=Count("id")))
    signals = Signal.objects.filter(at__gt=since, at__lte=now)
    by_symbol = list(signals.values_list("decision__outcome", "decision__code", "symbol").annotate(n=Count("id")))
    counted, symbols = summed(by_symbol), spread_of(by_symbol)
    rejected = {
        code: (n, symbols[outcome, code]) for outcome, code, n in counted if outcome == Decision.REJECTED and code
    }
    decided = Decision.objects.filter(signal__at__gt=since, signal__at__lte=now, outcome=Decision.REJECTED)
    examples = decided.order_by("-id").values_list("code", "rejections")[:EXAMPLES]
    return Funnel(
        since=since,
        until=now,
        **{name: value or 0 for name, value in sums.items()},
        not_evaluated=total({code: n * bars for code, n in codes.items()} for codes, _, bars in absent),
        law=law(counted),
        reasons=reasons(rejected, examples),
        failed_by_code={code: n for outcome, code, n in counted if outcome == Decision.FAILED and code},
        as_of=as_of,
        spread=Spread(
            signals=len({symbol for _, _, symbol, _ in by_symbol}),
            traded=len({symbol for outcome, _, symbol, _ in by_symbol if outcome == Decision.TRADED}),
            absent=named(names for _, names, _ in absent),
            failed={code: n for (outcome, code), n in symbols.items() if outcome == Decision.FAILED and code},
        ),
    )


Rows = Iterable[tuple[str | None, str | None, str, int]]


def summed(by_symbol: Rows) -> list[tuple[str | None, str | None, int]]:
    """Counts by outcome and code, whatever the symbol."""
    sums: Counter[tuple[str | None, str | None]] = Counter()
    for outcome, code, _, n in by_symbol:
        sums[outcome, code] += n
    return [(outcome, code, n) for (outcome, code), n in sums.items()]


def spread_of(by_symbol: Rows) -> Counter[tuple[str | None, str | None]]:
    """Different symbols by outcome and code."""
    return Counter((outcome, code) for outcome, code, _, _ in by_symbol)


def named(lists: Iterable[Mapping[str, Iterable[str]]]) -> dict[str, int]:
    """Different symbols by code, of the lists of names that the bars kept."""
    found: dict[str, set[str]] = {}
    for by_code in lists:
        for code, names in by_code.items():
            found.setdefault(code, set()).update(names)
    return {code: len(names) for code, names in found.items()}


def law(counted: Iterable[tuple[str | None, str | None, int]]) -> Conservation:
    """The law of conservation from counts by outcome; a signal without a decision has none."""
    outcomes: Counter[str | None] = Counter()
    for outcome, _, n in counted:
        outcomes[outcome] += n
    known = (Decision.TRADED, Decision.REJECTED, Decision.FAILED, Decision.PENDING)
    return Conservation(outcomes.total(), *(outcomes[outcome] for outcome in known))


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts by code, summed, most frequent first."""
    everything: Counter[str] = Counter()
    for one in counts:
        everything.update(one)
    return dict(everything.most_common())


def reasons(counted: Mapping[str, tuple[int, int]], examples: Iterable[tuple[str, list[dict]]]) -> tuple[Reason, ...]:
    """Codes by frequency, with signals and symbols, each told by its median example."""
    cases: dict[str, list[dict]] = {}
    for code, noes in examples:
        cases.setdefault(code, []).extend(no for no in noes if no.get("code") == code)
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1][0], pair[0]))
    return tuple(reason(code, n, symbols, median(cases.get(code, []))) for code, (n, symbols) in ordered)


def reason(code: str, n: int, symbols: int, case: Mapping) -> Reason:
    """The code's counts with its example's sentence; the table's own where there is no example."""
    plain = told(code, n, symbols)
    if not case:
        return plain
    setting = case.get("setting") or plain.setting
    return Reason(code, n, sentence(case) or plain.sentence, setting, dict(case), symbols)


def told(code: str, n: int, symbols: int = 0) -> Reason:
    """The code as the table of meanings tells it."""
    meaning = MEANINGS.get(Code(code)) if code in Code.__members__ else None
    said, setting = (gettext(meaning.sentence), meaning.setting) if meaning else ("", "")
    return Reason(code, n, said, setting, symbols=symbols)


def median(cases: list[dict]) -> dict:
    """The case whose measured value lies in the middle; the newest where the values are no numbers."""
    measured = [c for c in cases if isinstance(c.get("value"), (int, float))]
    if not measured:
        return cases[0] if cases else {}
    return sorted(measured, key=lambda c: c["value"])[len(measured) // 2]
