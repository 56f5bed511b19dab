"""What may stand in a query, parsed strictly: whatever is unknown, repeated or senseless is named and refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from monitoring.show.api.answers import Refusal, bad
from trading.models import Candle, Position, Signal, UniverseSnapshot

LARGEST = 2**63 - 1
LIMIT, MOST = 100, 1000
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
WINDOWS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST_WINDOW = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: its parser raises ValueError with a sentence."""

    name: str
    parse: Callable[[str], Any]
    about: str
    kind: str = "string"
    default: Any = None


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(_("must be a whole number from %(low)s to %(high)s") % {"low": low, "high": high})
        return int(text)

    return parse


ISO = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def instant(text: str) -> datetime:
    """An ISO time; without an offset it is UTC. A `+` that arrived as a space is taken for one."""
    text = re.sub(r" (?=\d\d:?\d\d$)", "+" if "T" in text else "T", text)
    try:
        if not ISO.fullmatch(text):
            raise ValueError(text)
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(_("must be an ISO time such as 2026-11-22T14:32:00Z")) from None
    if not EARLIEST <= at <= LATEST:
        raise ValueError(_("must lie between the years 1970 and 2200"))
    return at


def choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(_("must be one of %(names)s") % {"names": ", ".join(names)})
        return text

    return parse


def code(text: str) -> str:
    from trading.codes import Code

    if text not in Code.__members__:
        raise ValueError(_("is no rejection code; rejection-codes lists them all"))
    return text


def window(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text, re.ASCII)
    span = timedelta(**{WINDOWS[found[2]]: int(found[1])}) if found else None
    if span is None or span > LONGEST_WINDOW:
        raise ValueError(_("must be minutes, hours or days, such as 30m, 1h or 7d, at most 31d"))
    return span


def symbol(text: str) -> str:
    """BTCUSDT, BTC/USDT or BTC/USDT:USDT, as the rows write it."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,24}(/[A-Za-z0-9]{1,12})?(:[A-Za-z0-9]{1,12})?", text, re.ASCII):
        raise ValueError(_("must be a symbol such as BTCUSDT or BTC/USDT:USDT"))
    wanted = squeezed(text)
    for known in known_symbols():
        if squeezed(known) == wanted:
            return known
    guess = spelled(wanted)
    if guess and any(rows.filter(symbol=guess).exists() for rows in (Candle.objects, Signal.objects, Position.objects)):
        return guess
    raise ValueError(_("%(symbol)s is unknown here; universe lists the symbols") % {"symbol": text})


def squeezed(text: str) -> str:
    return text.split(":")[0].replace("/", "").upper()


def spelled(wanted: str) -> str | None:
    return f"{wanted.removesuffix('USDT')}/USDT:USDT" if wanted.endswith("USDT") and wanted != "USDT" else None


def known_symbols() -> list[str]:
    """The newest universe's symbols, in or out; one query."""
    newest = UniverseSnapshot.objects.order_by("-at").values_list("symbols", flat=True).first()
    return [row["symbol"] for row in newest or []]


PAGE = (
    Field("limit", whole(1, MOST), "how many items, at most 1000", "integer", LIMIT),
    Field("cursor", whole(1, LARGEST), "the `next` of the page before"),
)
SPAN = (
    Field("since", instant, "from this time on, ISO-8601"),
    Field("until", instant, "before this time, ISO-8601"),
)
SYMBOL = Field("symbol", symbol, "BTCUSDT or BTC/USDT:USDT")


def parse(given: QueryDict, fields: Iterable[Field]) -> dict[str, Any]:
    """Every field's value or default; a Refusal that names all that was wrong."""
    allowed = {field.name: field for field in fields}
    wrong = {printable(name): "is not known here" for name in given if name not in allowed}
    values = {name: field.default for name, field in allowed.items()}
    for name, field in allowed.items():
        texts = given.getlist(name)
        if len(texts) > 1:
            wrong[name] = "was given more than once"
        elif texts:
            try:
                values[name] = field.parse(texts[0])
            except ValueError as error:
                wrong[name] = str(error)
    if values.get("since") and values.get("until") and values["since"] > values["until"]:
        wrong["since"] = "must not be later than until"
    if wrong:
        raise bad(wrong)
    return values


def printable(name: str) -> str:
    """A foreign name as it may stand in an answer."""
    return "".join(c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else "?" for c in name[:60]) or "?"


def body(
    request: HttpRequest, fields: Mapping[str, Callable[[Any], Any]], optional: Iterable[str] = ()
) -> dict[str, Any]:
    """The JSON object of a request; a Refusal that names all that was wrong with it."""
    if len(request.body) > 16_384:
        raise Refusal(413, "too_large", "The body may have 16,384 bytes.", {"body": "is too large"})
    try:
        given = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise bad({"body": "must be a JSON object"}) from None
    if not isinstance(given, dict):
        raise bad({"body": "must be a JSON object"})
    return checked(given, fields, optional)


def checked(
    given: Mapping[str, Any], fields: Mapping[str, Callable[[Any], Any]], optional: Iterable[str] | None = None
) -> dict[str, Any]:
    """Every field's value; a Refusal that names all that was wrong. Without `optional`, none need be there."""
    wrong = {printable(name): "is not known here" for name in given if name not in fields}
    values: dict[str, Any] = {}
    for name, check in fields.items():
        if name not in given:
            if optional is not None and name not in optional:
                wrong[name] = "is missing"
            continue
        try:
            values[name] = check(given[name])
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise bad(wrong)
    return values


def text(most: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if len(value) > most:
            raise ValueError(f"may have {most} characters, had {len(value)}")
        if any(ord(c) < 32 and c not in "\t\r\n" for c in value) or any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise ValueError("holds characters that can't be stored")
        return value

    return check


def page(rows: QuerySet, asked: Mapping[str, Any], order: str = "id") -> tuple[list[Any], str | None]:
    """Newest first, below the cursor, one more than asked for to know whether there is a next page."""
    if asked["cursor"] is not None:
        rows = rows.filter(**{f"{order}__lt": asked["cursor"]})
    found = list(rows.order_by(f"-{order}")[: asked["limit"] + 1])
    more = len(found) > asked["limit"]
    found = found[: asked["limit"]]
    return found, str(getattr(found[-1], order)) if more else None


def between(rows: QuerySet, asked: Mapping[str, Any], column: str) -> QuerySet:
    if asked.get("since"):
        rows = rows.filter(**{f"{column}__gte": asked["since"]})
    if asked.get("until"):
        rows = rows.filter(**{f"{column}__lt": asked["until"]})
    return rows


def docs(fields: Iterable[Field]) -> dict[str, Any]:
    """The parameters for OpenAPI."""
    return {
        "parameters": [
            {"name": f.name, "in": "query", "required": False, "description": f.about, "schema": schema(f)}
            for f in fields
        ]
    }


def schema(field: Field) -> dict[str, Any]:
    return {"type": field.kind} | ({"default": field.default} if isinstance(field.default, (int, str)) else {})
