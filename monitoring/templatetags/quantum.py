"""Template words: shapes, ages that tick in the browser, stamps, money with sign and arrow."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch import words
from monitoring.watch.names import word
from monitoring.watch.retold import retold
from monitoring.watch.told import decided

register = template.Library()
register.filter("iso", lambda at: words.iso(at) or "")
register.filter("clock", words.clock)
register.filter("market", words.market)
register.filter("grouped", words.grouped)
register.filter("age", words.age)
register.filter("price", words.price)
register.filter("signed", words.signed)
register.filter("word", word)
register.filter("retold", retold)
register.filter("decided", decided)
KINDS = {
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "extratrees": "Extra trees",
    "logistic": gettext_lazy("Logistic regression"),
}


@register.filter
def title_of_kind(kind: str) -> str:
    """A model's kind as its makers write it, else in plain words."""
    return str(KINDS.get(kind, kind.replace("_", " ").capitalize()))


@register.filter
def price_near(value: Decimal) -> str:
    """An average price, which has more digits than anybody traded at: two beyond the usual."""
    return words.price(value, min(words.places_of(value), words.usual_places(value) + 1))


@register.filter
def moment(at: datetime, now: datetime) -> str:
    """The time of day; with the date where it was another day."""
    return words.clock(at) if at.date() == now.date() else dateformat.format(at, "d M H:i")


@register.simple_tag
def shape(name: str, said: str = "") -> SafeString:
    """A health or direction shape; `said` is what a screen reader hears."""
    drawn = format_html('<svg class="shape {0}" aria-hidden="true"><use href="#{0}"/></svg>', name)
    return drawn + format_html('<span class="sr">{}</span>', said) if said else drawn


@register.simple_tag
def side(name: str) -> SafeString:
    return format_html('<span class="side">{}{}</span>', shape(name), name)


@register.simple_tag
def money(value: Decimal | None, places: int = 2, unit: str = "") -> SafeString:
    """A gain or loss: arrow, sign, colour. Nothing is 'No data', never 0."""
    if value is None:
        return format_html('<span class="muted">{}</span>', _("No data"))
    text = words.signed(value, places) + (f"{words.NBSP}{unit}" if unit else "")
    if value == 0:
        return format_html("<span>{}</span>", text)
    kind, way = ("profit", "up") if value > 0 else ("loss", "down")
    return format_html('<span class="{}"><svg class="shape arrow" aria-hidden="true"><use href="#{}"/></svg> {}</span>',
                       kind, way, text)  # fmt: skip


@register.simple_tag
def percent_money(share: float, places: int = 2) -> SafeString:
    """A price's change: arrow, sign, colour."""
    return gained(share, words.percent(share, places, sign=True))


@register.simple_tag
def r_money(value: float, places: int = 2) -> SafeString:
    """A result in R: arrow, sign, colour."""
    return gained(value, f"{words.signed(value, places)}{words.NBSP}R")


def gained(value: float, text: str) -> SafeString:
    if not any(digit in text for digit in "123456789"):
        return format_html("<span>{}</span>", text)
    kind, way = ("profit", "up") if value > 0 else ("loss", "down")
    return format_html('<span class="{}"><svg class="shape arrow" aria-hidden="true"><use href="#{}"/></svg> {}</span>',
                       kind, way, text)  # fmt: skip


@register.simple_tag(takes_context=True)
def ago(context: dict, at: datetime | None, after: str | None = None) -> SafeString:
    """An age that goes on ticking in the browser; `after` is the word behind it, "ago" unless another is given."""
    if at is None:
        return format_html("{}", _("never"))
    after = _("ago") if after is None else after
    suffix = f" {after}" if after else ""
    return format_html(
        '<span data-ago="{}" data-suffix="{}">{}{}</span>',
        words.iso(at),
        suffix,
        words.age(context["now"] - at),
        suffix,
    )


@register.inclusion_tag("monitoring/parts/stamp.html", takes_context=True)
def stamp(context: dict, at: datetime | None, limit: timedelta | None = None, fixed: str = "") -> dict:
    """Gauge, time, age. `limit` is the age from which the number is old; `fixed` replaces the age by words."""
    return {"at": at, "limit": limit, "fixed": fixed, "now": context["now"], "share": share(at, limit, context["now"])}


def share(at: datetime | None, limit: timedelta | None, now: datetime) -> float:
    if at is None or not limit:
        return 0.0
    return round(min(1.0, max(0.0, (now - at) / limit)), 2)


def freshness(at: datetime | None, limit: timedelta | None, now: datetime) -> str:
    """fresh, ageing from its limit on, stale from three times it, none without data."""
    if at is None:
        return "none"
    if limit is None or now - at <= limit:
        return "fresh"
    return "stale" if now - at > 3 * limit else "ageing"
