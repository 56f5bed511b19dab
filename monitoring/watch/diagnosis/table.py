"""What goes wrong in systems of this kind, and what answers to it here: a detector, a construction, or both. Pure.

`docs/causes.md` is written from this table (`ops/causes.py`), and a test holds that every detector and every test
that is named does exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.watch.diagnosis.problem import Cause, Group

PLANTED = "tests/watch/diagnosis/test_situations.py::test_the_planted_cause_is_named_first"
TITLES = {
    Group.SIGNALS: "Signals found, no orders",
    Group.EXCHANGE: "Exchange and orders",
    Group.EXITS: "Exits",
    Group.MODELS: "Models and data",
    Group.OPERATIONS: "Operations and truth",
}
INTRODUCTION = """# Causes, and what answers to them

Each line is one way in which a system that trades by itself fails without saying so. It is answered by a
**detector** (a small function of stored facts, `monitoring/watch/diagnosis/causes/`), by a **construction** (a
constraint of the database or a rule of the code that makes it impossible), or by both. The last column names the
tests that show it.

This page is written from `monitoring/watch/diagnosis/catalogue.py` by `ops/causes.py`; a test keeps them equal."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cause of the catalogue. `plants` are situations of the bench, `held` tests of what makes it impossible."""

    number: int
    group: Group
    title: str
    causes: tuple[Cause, ...] = ()
    plants: tuple[str, ...] = ()
    built: str = ""
    held: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """Detectors by name, then the construction."""
        names = ", ".join(f"`{cause}`" for cause in self.causes)
        parts = [f"detector {names}" if names else "", f"construction: {self.built}" if self.built else ""]
        return "; ".join(part for part in parts if part)

    @property
    def tests(self) -> tuple[str, ...]:
        return (*(f"{PLANTED}[{name}]" for name in self.plants), *self.held)


def markdown(rows: Iterable[Row]) -> str:
    """The page: a table for each group."""
    rows = tuple(rows)
    return "\n\n".join([INTRODUCTION, *(section(group, rows) for group in Group)]) + "\n"


def section(group: Group, rows: tuple[Row, ...]) -> str:
    lines = [f"## {TITLES[group]}", "", "| # | cause | detector or construction | tests |", "|--:|---|---|---|"]
    lines += [
        f"| {row.number} | {row.title} | {row.answer} | {'<br>'.join(f'`{test}`' for test in row.tests)} |"
        for row in rows
        if row.group is group
    ]
    return "\n".join(lines)
