"""Market data: silence, staleness, holes, and candles that can't be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from monitoring.watch.drills.spec import (
    NOTHING,
    Drill,
    DropCandles,
    DropOlderCandles,
    Fault,
    Jump,
    Part,
    Sign,
    Until,
    Within,
)

JUDGED = Sign("judged")
DIALLED = Sign("desk.again", ("drop_stream",))
BACK = Sign("candle.back", ("{symbol}",))  # those that were taken away
BAR = 70  # seconds until the next bar of a minute is in, and some
REFUSED = _("It is put aside with its reason, nothing is decided on it, and the good one takes its place.")


def candle(name: str, rows: str, title: Promise, broken: Promise, kind: str, detects: tuple[Sign, ...],
           params: Mapping[str, Any] = NOTHING, expected: Promise = REFUSED, seconds: float = 75) -> Drill:  # fmt: skip
    """Candles of one symbol that nobody holds."""
    return Drill(
        name=name, part=Part.MARKET, rows=rows, title=title, broken=broken, expected=expected,
        breaks=(Fault(kind, seconds=seconds, params=params, mine=True),),
        detects=detects, acts=(), verifies=(Sign("candle", ("{symbol}",)), JUDGED),
        within=Within(max(BAR, seconds) + 15, max(BAR, seconds) + 15, BAR * 2), until=Until.DETECTED,
    )  # fmt: skip


DRILLS = (
    Drill(
        name="streams-muted",
        part=Part.MARKET,
        rows="B01, B12, 21.69",
        title=_("The exchange's streams fall silent"),
        broken=_("Connections stay open, but no price, candle or news of orders comes."),
        expected=_("An incident in half a minute, candles by REST, the stream started again, and proof that it hears."),
        breaks=(Fault("mute_stream", seconds=180),),
        detects=(Sign("incident.opened", ("STREAM_SILENT",)),),
        acts=(Sign("remedy", ("*",)),),
        verifies=(Sign("incident.closed", ("STREAM_SILENT",)), Sign("work", ("stream",))),
        within=Within(40, 55, 60),
        until=Until.ACTED,
        restarts=1,
    ),
    Drill(
        name="streams-dropped",
        part=Part.MARKET,
        rows="B12",
        title=_("The exchange drops its streams"),
        broken=_("Every stream's connection is closed by the exchange, again and again."),
        expected=_("It is dialled again with a growing wait; holes are filled before the next bar is judged."),
        breaks=(Fault("drop_stream", seconds=15),),
        detects=(DIALLED, Sign("idle", ("stream",)), Sign("incident.opened", ("STREAM_SILENT",))),
        acts=(DIALLED,),
        verifies=(Sign("work", ("stream",)), JUDGED),
        within=Within(30, 40, BAR + 20),
    ),
    Drill(
        name="feed-stale",
        part=Part.MARKET,
        rows="B01, 21.57",
        title=_("No new candle comes at all"),
        broken=_("The streams are mute, and REST answers with old candles."),
        expected=_("All candles are called old, entries are held, exits live on; fresh candles end it."),
        breaks=(Fault("mute_stream", seconds=300), Fault("stale_klines", seconds=300)),
        detects=(Sign("incident.opened", ("FEED_STALE",)), Sign("absent", ("FEED_STALE",))),
        acts=(Sign("directive", ("NO_NEW_TRADES",)),),
        verifies=(Sign("incident.closed", ("FEED_STALE", "STREAM_SILENT")), JUDGED),
        within=Within(200, 210, 150),
        until=Until.ACTED,
        restarts=2,
    ),
    candle(
        "candle-impossible", "B06", _("A candle is impossible"),
        _("A symbol's candles come with a low above their high."), "bad_kline",
        (Sign("candle.fault", ("impossible:{symbol}", "nan:{symbol}", "shape:{symbol}")),),
    ),
    candle(
        "candles-missing", "B03", _("Candles are missing"),
        _("The exchange leaves out a symbol's candles."), "missing_klines",
        (Sign("candle.fault", ("gap:{symbol}",)), Sign("absent.symbol", ("{symbol}",)),
         Sign("incident.opened", ("SYMBOLS_STALE",))),
        expected=_("The symbol is not judged, and the others are; the hole is filled before it is judged again."),
        seconds=95,  # longer than a late candle is waited for
    ),
    candle(
        "price-frozen", "B02", _("A price is frozen"),
        _("A symbol's price stands still while its messages go on."), "frozen_price",
        (Sign("candle.fault", ("frozen:{symbol}",)), Sign("incident.opened", ("*FROZEN*",)),
         Sign("absent.symbol", ("{symbol}",))),
        expected=_("Candles without a move are noticed, and nothing is decided on them."), seconds=420,
    ),
    Drill(
        name="price-spike",
        part=Part.MARKET,
        rows="B06",
        title=_("A price jumps by 40 %"),
        broken=_("The price of a symbol that nobody holds jumps by 40 % within one bar."),
        expected=_("The jump is noted with its numbers; the candle is kept, for it is true."),
        breaks=(Jump(0.4),),
        detects=(Sign("candle.fault", ("jump:{symbol}", "spike:{symbol}")),),
        acts=(),
        verifies=(JUDGED,),
        within=Within(BAR + 10, BAR + 10, BAR * 2),
    ),
    Drill(
        name="candle-lost",
        part=Part.MARKET,
        rows="B03",
        title=_("A symbol's newest candle is lost"),
        broken=_("The newest stored candle of a symbol that nobody holds is removed from the database."),
        expected=_("It is fetched again before the symbol is judged: no forecast over a hole."),
        breaks=(DropCandles(1),),
        detects=(BACK, Sign("absent.symbol", ("{symbol}",)), Sign("candle.fault", ("gap:{symbol}",))),
        acts=(BACK,),
        verifies=(BACK, JUDGED),
        within=Within(BAR, BAR * 2, BAR * 2),
    ),
    Drill(
        name="candles-holed",
        part=Part.MARKET,
        rows="B03",
        title=_("There is a hole in a symbol's history"),
        broken=_("Three stored candles within the history of a symbol that nobody holds are removed."),
        expected=_("The hole is known as a gap and filled in order; until then the symbol is not judged."),
        breaks=(DropOlderCandles(3, 5),),
        detects=(Sign("candle.fault", ("gap:{symbol}",)), Sign("absent.symbol", ("{symbol}",)), BACK),
        acts=(BACK,),
        verifies=(BACK, JUDGED),
        within=Within(BAR * 2, BAR * 5, BAR * 3),
    ),
)  # fmt: skip
