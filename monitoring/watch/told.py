"""Stored reasons in the reader's language: written anew from their code and numbers, not translated after the fact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext as _

from monitoring.watch.retold import retold
from monitoring.watch.words import price
from trading.codes import Code
from trading.gates.sentence import ACCEPTED, say, write

FILLED = re.compile(r"(?P<way>Bought|Sold) (?P<n>\d[\d.]*) at (?P<price>\d[\d.]*)\.")  # what a filled entry is told by
TICKET = ("quantity", "price", "leverage", "notional", "risk")


def sentence(no: Mapping[str, Any]) -> str:
    """The sentence of one stored rejection: as stored, or written anew from its code, value, limit and facts."""
    stored = str(no.get("sentence") or "")
    if english() or no.get("code") not in Code.__members__:
        return stored
    facts = {"value": no.get("value"), "limit": no.get("limit"), **(no.get("facts") or {})}
    try:
        return say(Code(no["code"]), facts, translated)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return stored


def decided(row: Any) -> str:
    """The sentence of a decision row: of its first rejection, or of the order that was wanted."""
    if filled := FILLED.fullmatch(row.sentence):
        template = _("Bought %(n)s at %(price)s.") if filled["way"] == "Bought" else _("Sold %(n)s at %(price)s.")
        return template % {name: price(Decimal(filled[name])) for name in ("n", "price")}
    if english():
        return row.sentence
    first = next((no for no in row.rejections if no.get("code") == row.code), None)
    if first:
        return sentence(first)
    if row.code in Code.__members__:
        return say(Code(row.code), {}, gettext)
    wanted = {name: row.ticket.get(name) for name in TICKET} if row.ticket else {}
    if not wanted or None in wanted.values() or row.sentence != write(ACCEPTED, wanted):
        return row.sentence
    return write(ACCEPTED, wanted, gettext)


def translated(text: str) -> str:
    """A template, or a fact that was stored as a plain sentence."""
    found = gettext(text) if text else ""
    return found if found != text else retold(text)


def english() -> bool:
    return (get_language() or "en").startswith("en")
