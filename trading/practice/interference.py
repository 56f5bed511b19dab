"""What standing faults do to the venue itself: symbols' status and rules, resting stops, positions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading.practice import liquidation
from trading.practice.engine import Engine, Matching
from trading.practice.faults import Desk, Fault
from trading.practice.rules import decimals

CHANGING = ("delist", "change_filters")
FILTERS = {  # our parameter: the filters that carry it, and under which name
    "tick": (("PRICE_FILTER",), "tickSize"),
    "step": (("LOT_SIZE", "MARKET_LOT_SIZE"), "stepSize"),
    "min_quantity": (("LOT_SIZE", "MARKET_LOT_SIZE"), "minQty"),
    "min_notional": (("MIN_NOTIONAL",), "notional"),
}
SHARE, LATE = "0.37", 2  # of a partial fill; seconds after which an acknowledged order fills
FOR_GOOD = 86_400


@dataclass(frozen=True, slots=True)
class Ways:
    """How symbols differ from what the market says of them, while some faults are in force."""

    ids: tuple[int, ...] = ()
    changing: tuple[Fault, ...] = ()

    def symbols(self, known: Iterable[str]) -> set[str]:
        return {s for s in known for fault in self.changing if fault.concerns(s)}

    def statuses(self, known: Iterable[str]) -> dict[str, str]:
        delisted = [f for f in self.changing if f.kind == "delist"]
        return {s: f.params.get("status", "SETTLING") for s in known for f in delisted if f.concerns(s)}

    def info(self, symbol: str, info: dict[str, Any]) -> dict[str, Any]:
        """A symbol's entry of exchangeInfo with the filters that faults have given it."""
        for fault in self.changing:
            if fault.kind == "change_filters" and fault.concerns(symbol):
                info = _changed(info, fault.params)
        return info


def ways(desk: Desk, now: int) -> Ways:
    found = tuple(f for kind in CHANGING for f in desk.standing(kind, now))
    return Ways(tuple(f.id for f in found), found)


def act(engine: Engine, desk: Desk) -> None:
    """Cancel the stops and take over the positions that faults name; each is one hit."""
    for fault in list(desk.standing("cancel_stop", engine.now)):
        for algo in engine.open_algos():
            kind = fault.params.get("type", algo.type)
            old = engine.now - algo.created >= 1000 * fault.params.get("seconds", 0)
            if algo.stops and kind == algo.type and old and fault.concerns(algo.symbol) and fault.live(engine.now):
                fault.hits += 1
                engine.cancel_algo(algo, fault.params.get("status", "CANCELED"))
    for fault in list(desk.standing("liquidate", engine.now)):
        for position in engine.account.held():
            if fault.concerns(position.symbol) and fault.live(engine.now):
                fault.hits += 1
                liquidation.liquidate(engine, position, engine.quote(position.symbol))


def matching(fault: Fault | None) -> Matching:
    """How the book takes the order of the request that met this fault."""
    if fault is None or fault.kind not in ("partial_fill", "ack_only"):
        return Matching()
    if fault.kind == "ack_only":
        return Matching(Decimal(0), int(1000 * fault.params.get("seconds", LATE)))
    rests = fault.params.get("rest", "cancelled") == "rests"
    late = int(1000 * fault.params.get("seconds", FOR_GOOD)) if rests else 0
    return Matching(Decimal(str(fault.params.get("share", SHARE))), late)


def _changed(info: dict[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    filters = [dict(f) for f in info["filters"]]
    for name, value in params.items():
        kinds, key = FILTERS[name]
        for one in filters:
            if one["filterType"] in kinds:
                one[key] = f"{Decimal(str(value)).normalize():f}"
    digits = {
        "pricePrecision": decimals(Decimal(str(params.get("tick", 1)))),
        "quantityPrecision": decimals(Decimal(str(params.get("step", 1)))),
    }
    return info | {"filters": filters} | {name: max(info[name], n) for name, n in digits.items()}
