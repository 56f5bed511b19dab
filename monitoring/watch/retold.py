"""What modules and orders wrote down as a plain sentence, in the reader's language: recognised by its template.

A sentence that no template fits is shown as it is stored.
"""

from __future__ import annotations

import re
from functools import cache
from re import Pattern

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

TEMPLATES = (
    # idle modules
    _("no universe yet"),
    _("bar %(bar)s is judged"),
    _("waiting for %(late)s of %(of)s symbols"),
    _("waiting: %(why)s"),
    _("%(code)s: %(n)s symbols not evaluated"),
    _("no signal to ask about"),
    _("no candle of %(bar)s yet"),
    _("none of %(n)s symbols has enough candles yet"),
    _("no signal since %(at)s"),
    _("no open positions"),
    _("the account is not known"),
    _("no bar was judged"),
    _("no bar was judged yet"),
    _("nothing new: no bar was judged since %(at)s"),
    _("no model to supervise yet"),
    _("%(n)s of %(of)s labelled signals so far"),
    _("continuous learning is off (QT_CONTINUOUS_LEARNING)"),
    _("no champion yet: AI Models asks for the first training"),
    _("%(n)s champions, trained %(minutes)s min ago"),
    _("%(kind)s is quarantined: %(why)s"),
    _("too little history to learn from: %(n)s labelled candles, %(of)s are needed"),
    _("the last %(n)s trainings failed; the next may start at %(at)s"),
    _("the stream is at it"),
    _("loading history: %(done)s of %(of)s symbols"),
    _("nothing heard from the venue"),
    _("all %(n)s symbols have the candle of %(bar)s"),
    _("the venue has no candle of %(bar)s for %(symbols)s"),
    _("%(n)s of %(of)s late symbols could not be asked for: %(why)s"),
    _("no candle of %(bar)s came"),
    _("no open position and no open order"),
    _("no open position"),
    _("nothing worse than low is open; the next look is in %(s)s s"),
    _("there is nothing to tell"),
    _("nothing was traded here yet"),
    _("the last check was %(outcome)s; the next is due at %(at)s"),
    _("another check of the exchange is being made"),
    _("not made in %(mode)s mode"),
    _("the exchange is not started yet"),
    # fire drills
    _("fire drills are run in practice mode alone"),
    _("fire drills are off (QT_FIRE_DRILL_INTERVAL)"),
    _("the next fire drill is due at %(at)s"),
    # retraining
    _("%(reason)s; %(n)s of %(of)s bars since the last training, %(refused)s refused in a row"),
    _("%(reason)s; %(n)s of %(of)s bars since the last training"),
    _("%(samples)s; champions %(n)s of %(of)s bars old; nothing found against them"),
    _("%(kinds)s may not vote"),
    _("the Model Supervisor found %(what)s"),
    _("%(n)s of %(of)s new labelled signals"),
    _("%(n)s new labelled signals"),
    _("the champions are %(n)s bars old"),
    # a training
    _("training: %(stage)s, %(done)s done, about %(s)s s left"),
    _("training: %(stage)s, %(done)s done"),
    _("queued"),
    _("loading candles"),
    _("reading history"),
    _("cross-checking %(kind)s, fold %(n)s of %(of)s"),
    _("training %(kind)s"),
    _("measuring"),
    _("done"),
    _("history is too short to leave a part of it out of sample"),
    _("history is too short for its folds"),
    _("%(n)s labelled candles, %(of)s are needed"),
    _("silent for more than %(s)s s"),
    # the policy
    _("Trending: trend strength %(adx)s, %(bound)s; volatility %(rest)s"),
    _("Ranging: trend strength %(adx)s, %(bound)s; volatility %(rest)s"),
    _("Normal: trend strength %(adx)s, %(bound)s; volatility %(rest)s"),
    _("ranging below 20"),
    _("trending from 25"),
    _("low: %(atr)s per bar, normal from %(next)s; median of %(n)s symbols"),
    _("normal: %(atr)s per bar, high from %(next)s; median of %(n)s symbols"),
    _("high: %(atr)s per bar, extreme from %(next)s; median of %(n)s symbols"),
    _("extreme: %(atr)s per bar, no entries from %(next)s; median of %(n)s symbols"),
    # orders
    _("the rest of a partly filled entry"),
    _("protect the entry"),
    _("protect"),
    _("time exit: due since %(when)s UTC"),
    _("mark %(mark)s is beyond the stop's limit %(limit)s"),
    _("the stop at %(price)s was passed %(s)s s ago and has not filled"),
    _("mark %(mark)s is behind %(price)s, where the trailing stop belongs"),
    _("the stop was refused %(n)s times: %(why)s"),
    _("the market is already behind the stop"),
    _("the market is already behind the backstop"),
    _("no stop can be drawn: %(why)s"),
    _("closing goes on"),
    _("closed by hand"),
    _("its position is closed"),
    _("the switch is on halted"),
    _("nothing needs it any more"),
    _("the venue's checks: a stop placed, read back and cancelled"),
    _("the exchange's daily check: %(step)s"),
    _("the exchange's daily check is using this symbol"),
    _("a check's order was filled: given back at market"),
    _("its check is over"),
    _("its check has ended early"),
    _("left by an earlier check"),
    _("an order with this id exists already"),
    _("an order on this symbol has no known outcome"),
    _("another entry on this symbol is on its way"),
    _("a position on this symbol is open"),
    _("shown by the venue"),
    _("its sender is gone"),
    _("the venue has no such order, asked twice"),
    # what self-healing holds back for
    _("%(module)s could not be loaded"),
    _("%(module)s does not run"),
    _("%(module)s does not do its work"),
    _("The process %(process)s does not run what the others run"),
    _("%(module)s fails"),
    _("The process %(process)s is silent"),
    _("The exchange's stream is silent"),
    _("All candles are old"),
    _("Some symbols' candles are old"),
    _("The training is stuck"),
    _("%(market)s has no stop"),
    _("An order on %(market)s has no known outcome"),
    _("The database is slow"),
    _("The queue does not answer"),
    _("Nothing is known of %(module)s"),
    _("Too many restarts"),
    _("Emergency: a position has no stop and nobody is there to place one"),
    # why self-healing closes a position
    _("DEFENSIVE_EXIT: %(why)s"),
    _("EMERGENCY_SHUTDOWN: %(why)s"),
    _("everything is closed, a person is needed"),
    _("no stop at the exchange for %(s)s s, limit %(limit)s s"),
    _("its stop was passed %(s)s s ago, limit %(limit)s s"),
    _("liquidation is %(times)s stop distances away, at least %(limit)s"),
    _("neither its price nor its stop was seen for %(s)s s, limit %(limit)s s"),
    _("an emergency shutdown"),
    # trims
    _("trim of %(n)s: %(why)s"),
    _("accepted by hand"),
    _("the rest after a trim"),
    _("the trim is %(n)s in steps of %(step)s, at least %(limit)s"),
    _("what it leaves is %(n)s in steps of %(step)s, at least %(limit)s"),
    _("the trim is worth %(n)s USDT, at least %(limit)s"),
    _("what it leaves is worth %(n)s USDT, at least %(limit)s"),
    _("the exchange refused it: %(why)s"),
    _("the whole position was closed"),
    _("the outcome of its order is not known yet"),
    _("its fills are not known yet"),
    _("not all of it is closed yet"),
    _("Our books and the exchange's differ on %(day)s"),
    _("The exchange's stops failed their check"),
    _("The exchange's stops failed their check: %(what)s"),
    # what a remedy did
    _("its claim was freed; asked on the queue %(queue)s"),
    _("asked on the queue %(queue)s"),
    _("the queue does not answer; run here"),
    _("the queue does not answer; somebody else is at it"),
    _("the supervisor was asked to start it again"),
    _("%(n)s candles fetched for %(of)s symbols"),
    _("%(n)s symbols listed"),
    _("its keeper was called"),
    _("the queue does not answer; the position monitor was run here"),
    # a switch that was moved without a reason
    _("halted, no reason given"),
    _("reducing, no reason given"),
    # the universe
    _("the venue has no such symbol"),
    _("the venue does not trade it now"),
    _("not among the %(n)s largest"),
    # what the venue itself holds entries for
    _("the exchange asked for silence (HTTP 429) for %(n)s s, until %(when)s UTC"),
    _("the exchange has banned this address (HTTP 418) for %(n)s s, until %(when)s UTC"),
    _("%(what)s: not sent, %(n)s s of silence are left that the venue asked for"),
    _("%(what)s has changed: SHA-256 %(found)s, expected %(wanted)s"),
    _("%(what)s can't be opened: %(why)s"),
    _("there are no files of version %(version)s any more"),
    _("the exchange refuses our key (%(code)s): wrong key, address or permission"),
    _("%(symbol)s was liquidated"),
    _("%(symbol)s could not be closed: %(why)s"),
    # where orders go
    _("the practice exchange (%(market)s)"),
    _("synthetic, seed %(n)s, %(step)s candles"),
    _("the stand-in at %(address)s"),
)
PLACE = re.compile(r"%\((\w+)\)s")
LONG = {
    "why",
    "reason",
    "samples",
    "kinds",
    "what",
    "stage",
    "bound",
    "rest",
    "atr",
    "next",
    "symbols",
    "module",
    "market",
    "when",
}


def retold(stored: str | None) -> str:
    """The stored sentence as this reader reads it."""
    text = stored or ""
    if not text or (get_language() or "en").startswith("en"):
        return text
    for template, pattern in patterns():
        if found := pattern.fullmatch(text):
            parts = {name: retold(part) for name, part in found.groupdict().items()}
            return gettext(template) % parts
    first, mark, rest = text.partition("; ")
    return f"{retold(first)}{mark}{retold(rest)}" if mark else text


@cache
def patterns() -> tuple[tuple[str, Pattern[str]], ...]:
    """The templates in the order in which they are tried: those with fewer open places first."""
    ordered = sorted(TEMPLATES, key=lambda one: (len(PLACE.findall(one)), -len(one)))
    return tuple((one, re.compile(expression(one))) for one in ordered)


def expression(template: str) -> str:
    """A place takes one word; one that is named in LONG takes several."""
    pieces = PLACE.split(template)
    places = [f"(?P<{name}>{'.+?' if name in LONG else '[^ ;]+'})" for name in pieces[1::2]]
    return "".join(text for pair in zip(map(re.escape, pieces[::2]), [*places, ""], strict=True) for text in pair)
