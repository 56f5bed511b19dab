"""A rejection in words: the measured number first, then the limit. Numbers are written as the design says.

Templates and words are English; `translate` turns each into the reader's language before it is filled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from string import Formatter
from typing import Any

from trading.codes import MEANINGS, Code
from trading.gates.desk import Rejection
from trading.gates.ticket import Ticket

Translate = Callable[[str], str]
SPACE = "\u00a0"  # before units: does not break
MINUS = "\u2212"


def grouped(value: float | Decimal, digits: int) -> str:
    return f"{Decimal(str(value)):,.{digits}f}".replace("-", MINUS)


def exact(value: float | Decimal | str) -> str:
    """As many digits as it has, none behind the last that counts: 0.001."""
    return f"{Decimal(str(value)).normalize():,f}".replace("-", MINUS)


def age(seconds: float, digits: int = 0) -> str:
    """One unit up to 2 min (`38 s`), then two (`2 h 44 min`)."""
    if seconds < 0:
        return MINUS + age(-seconds, digits)
    if seconds < 120 or digits:
        return f"{grouped(seconds, digits)}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return two((minutes, "min"), (rest, "s"))
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return two((hours, "h"), (minutes, "min"))
    return two((hours // 24, "d"), (hours % 24, "h"))


def two(*parts: tuple[int, str]) -> str:
    return " ".join(f"{n:,}{SPACE}{unit}" for n, unit in parts if n) or f"0{SPACE}s"


def _(text: str) -> str:
    """Marks a text for translation."""
    return text


OFTEN = {1: _("once"), 2: _("twice")}


def times(count: float, translate: Translate = str) -> str:
    whole = int(count)
    return translate(OFTEN[whole]) if whole in OFTEN else translate(_("%d times")) % whole


def market(symbol: str) -> str:
    """BTC/USDT for BTC/USDT:USDT."""
    return symbol.split(":")[0]


WRITERS = {
    "number": lambda value, more: grouped(value, 2 + more),
    "money": lambda value, more: grouped(value, 2 + more),
    "share": lambda value, more: f"{grouped(Decimal(str(value)) * 100, 2 + more)}{SPACE}%",
    "seconds": lambda value, more: f"{grouped(value, more)}{SPACE}s",
    "age": lambda value, more: age(float(value), more),
    "count": lambda value, more: grouped(value, 0),
    "exact": lambda value, more: exact(value),
    "market": lambda value, more: market(value),
}
FINEST = 4  # further digits at most: 0.319999 is not "0.32, needs 0.32"


class Writer(Formatter):
    """Fills a template; `more` further digits, so that two different numbers never read the same."""

    def __init__(self, more: int, translate: Translate = str) -> None:
        self.more, self.translate = more, translate

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "times":
            return times(value, self.translate)
        return WRITERS[format_spec](value, self.more) if format_spec else self.translate(str(value))

    def reads_alike(self, template: str, facts: Mapping[str, Any]) -> bool:
        """Value and limit differ, and yet are written the same."""
        specs = {name: spec for _, name, spec, _ in self.parse(template) if name}
        if not {"value", "limit"} <= specs.keys() or facts["value"] == facts["limit"]:
            return False
        return len({self.format_field(facts[name], specs[name] or "") for name in ("value", "limit")}) == 1


def write(template: str, facts: Mapping[str, Any], translate: Translate = str) -> str:
    template = translate(template)
    writers = [Writer(more, translate) for more in range(FINEST + 1)]
    writer = next((w for w in writers if not w.reads_alike(template, facts)), writers[-1])
    return writer.vformat(template, (), facts)


def wanted(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def say(what: Rejection | Code, facts: Mapping[str, Any] | None = None, translate: Translate = str) -> str:
    """The sentence of a rejection, or of a code with facts (`value` and `limit` among them)."""
    if isinstance(what, Rejection):
        return say(what.code, {"value": what.value, "limit": what.limit, **what.facts}, translate)
    known = {name: fact for name, fact in (facts or {}).items() if fact is not None}
    meaning = MEANINGS[what]
    template = next((t for t in meaning.says if wanted(t) <= known.keys()), None)
    return write(template, known, translate) if template else translate(meaning.sentence)


ACCEPTED = _(
    "{quantity:exact} at about {price:exact}, {leverage}×: {notional:money} USDT, of which {risk:money} at risk."
)


def accepted(ticket: Ticket) -> str:
    """The sentence of an order we want."""
    names = ("quantity", "price", "leverage", "notional", "risk")
    return write(ACCEPTED, {name: getattr(ticket, name) for name in names})
