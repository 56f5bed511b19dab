"""Write trading/practice/venue_table.json: filters, leverage brackets and error codes of Binance USD-M futures.

    .venv/bin/python ops/make_venue_table.py ../shared/data

Filters are those of the production exchangeInfo of 2022-05, for younger symbols of the testnet's of 2025-12. Ticks and
steps changed over the years: where those of recorded candles are finer, they win (down to a power of ten), and always
over the testnet's, some of which are nonsense. Running it twice gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "trading" / "practice" / "venue_table.json"
MOST_BYTES = 100_000
PROD = "binance_um_exchangeInfo_PROD_2022-05-06.json"
TESTNET = "binance_um_exchangeInfo_TESTNET_2025-12-24.json.gz"
TIERS = "binance_um_leverage_tiers_2024-10.json.gz"
CODES = "binance_error_codes.json"
INFERRED = "inferred_tick_step.json"
MAX_ORDERS, MAX_ALGO_ORDERS = 200, 10  # everywhere in production

Entry = dict[str, Any]

FIELDS = (
    "tickSize", "stepSize", "minQty", "maxQty", "marketMaxQty", "notional", "percentPrice", "marketTakeBound",
    "triggerProtect", "liquidationFee", "minPrice", "maxPrice", "maxNumOrders", "maxNumAlgoOrders",
    "pricePrecision", "quantityPrecision", "onboardDate",
)  # fmt: skip

STATUS = {-1000: 500, -1001: 500, -1002: 401, -1003: 429, -1007: 408, -1008: 503, -1016: 503, -2014: 401, -2015: 401}

# The venue's words for what a client of the futures API meets; codes that are not here take the spot API's words.
MESSAGES = {
    -1000: "An unknown error occured while processing the request.",
    -1003: "Too many requests; please use the websocket for live updates.",
    -1013: "Invalid message.",
    -1102: "A mandatory parameter was not sent, was empty/null, or malformed.",
    -1106: "Parameter sent when not required.",
    -1108: "Invalid asset.",
    -1109: "Invalid account.",
    -1110: "Invalid symbolType.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1121: "Invalid symbol.",
    -1122: "Invalid symbol status.",
    -1125: "This listenKey does not exist.",
    -1127: "Lookup interval is too big.",
    -1128: "Combination of optional parameters invalid.",
    -1130: "Invalid data sent for a parameter.",
    -1136: "Invalid newOrderRespType.",
    -2010: "Order rejected.",
    -2011: "Unknown order sent.",
    -2012: "Batch cancel failure.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2018: "Balance is insufficient.",
    -2019: "Margin is insufficient.",
    -2020: "Unable to fill.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2023: "User in liquidation mode now.",
    -2024: "Position is not sufficient.",
    -2025: "Reach max open order limit.",
    -2026: "This OrderType is not supported when reduceOnly.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4000: "Invalid order status.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than or equal to zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4006: "Stop price less than zero.",
    -4007: "Stop price greater than max price.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id length should be less than 36 chars.",
    -4016: "Limit price is too high.",
    -4021: "Invalid depth limit.",
    -4022: "Market status is not trading.",
    -4023: "Qty not increased by step size.",
    -4024: "Limit price is too low.",
    -4028: "Leverage is not valid.",
    -4031: "Invalid working type.",
    -4032: "Exceed maximum cancel order size.",
    -4045: "Reach max stop order limit.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4050: "Cross balance insufficient.",
    -4051: "Isolated balance insufficient.",
    -4059: "No need to change position side.",
    -4060: "Invalid position side.",
    -4061: "Order's position side does not match user's setting.",
    -4062: "Invalid or improper reduceOnly value.",
    -4067: "Position side cannot be changed if there exists open orders.",
    -4068: "Position side cannot be changed if there exists position.",
    -4082: "Invalid number of batch place orders.",
    -4083: "Fail to place batch orders.",
    -4087: "User can only place reduce only order.",
    -4088: "User can not place order currently.",
    -4116: "ClientOrderId is duplicated.",
    -4118: "ReduceOnly Order Failed. Please check your existing position and open orders.",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4130: "An open stop or take profit order with GTE and closePosition in the direction is existing.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    -4135: "Activation price is invalid.",
    -4136: "Target strategy invalid for orderType with closePosition true.",
    -4137: "Quantity must be zero with closePosition equals true.",
    -4138: "Reduce only must be true with closePosition equals true.",
    -4139: "Order type can not be market if it's unable to cancel.",
    -4140: "Invalid symbol status for opening position.",
    -4141: "Symbol is closed.",
    -4142: "REJECT: take profit or stop order will be triggered immediately.",
    -4161: "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    -4164: "Order's notional must be no smaller than 5 (unless you choose reduce only).",
    -4165: "Invalid time interval.",
    -4183: "Limit price can't be higher than the price multiplier allows.",
    -4184: "Limit price can't be lower than the price multiplier allows.",
    -4210: "Stop price can't be higher than the price multiplier allows.",
    -4211: "Stop price can't be lower than the price multiplier allows.",
    -4400: "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, please try again later.",
    -4509: "Time in Force (TIF) GTE can only be used with open positions. Please ensure that positions are available.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    -5026: "Exceed maximum modify order limit.",
    -5027: "No need to modify the order.",
    -5028: "Timestamp for this request is outside of the ME recvWindow.",
}


def load(file: Path) -> Any:
    return json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())


def build(data: Path) -> dict[str, Any]:
    exchange = data / "exchange"
    prod, testnet = (_perpetuals(load(exchange / name)) for name in (PROD, TESTNET))
    seen = _finest(load(exchange / INFERRED)["symbols"])
    wanted = sorted(set(prod) | recorded_symbols(data) | _traits())
    symbols = {s: _row(prod.get(s), testnet.get(s), seen.get(s)) for s in wanted}
    ladders, ladder_of, usual = _ladders(load(exchange / TIERS), set(wanted))
    return {
        "note": "Generated by ops/make_venue_table.py; don't edit.",
        "fields": FIELDS,
        "symbols": {s: row for s, row in symbols.items() if row},
        "ladders": ladders,
        "ladder_of": ladder_of,
        "usual_ladder": usual,
        "errors": _errors(load(exchange / CODES)),
    }


def recorded_symbols(data: Path) -> set[str]:
    """Every symbol that has candles in a recorded folder."""
    files = (f.stem.split("-") for f in data.glob("*/*USDT-*.parquet"))
    return {parts[0] for parts in files if parts[-1] not in ("mark", "funding")}


def _traits() -> set[str]:
    sys.path.insert(0, str(ROOT))
    from trading.practice.traits import TRAITS

    return set(TRAITS)


def _perpetuals(info: dict[str, Any]) -> dict[str, Entry]:
    return {
        s["symbol"]: s
        for s in info["symbols"]
        if s["contractType"] == "PERPETUAL" and s["quoteAsset"] == "USDT" and s["symbol"].isascii()
    }


def _finest(inferred: dict[str, Any]) -> dict[str, tuple[Decimal, Decimal]]:
    """The finest tick and step seen in recorded candles, down to a power of ten."""
    return {
        s: (
            min(_power(g["tick"]) for g in groups.values()),
            min(_power(g["step"]) for g in groups.values()),
        )
        for s, groups in inferred.items()
    }


def _power(value: float) -> Decimal:
    return Decimal(1).scaleb(Decimal(repr(value)).adjusted())


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _digits(size: Decimal) -> int:
    return max(0, -int(size.normalize().as_tuple().exponent))


def _row(prod: Entry | None, testnet: Entry | None, seen: tuple[Decimal, Decimal] | None) -> list[Any] | None:
    """One symbol's numbers in the order of FIELDS (tick and step alone where no more is known), or None."""
    entry = prod or testnet
    if entry is None:
        return None if seen is None else [_plain(seen[0]), _plain(seen[1])]
    filters = {f["filterType"]: f for f in entry["filters"]}
    price, lot, market = filters["PRICE_FILTER"], filters["LOT_SIZE"], filters["MARKET_LOT_SIZE"]
    tick, step = Decimal(price["tickSize"]), Decimal(lot["stepSize"])
    if seen:
        tick, step = (min(tick, seen[0]), min(step, seen[1])) if prod else seen
    return [
        _plain(tick), _plain(step), _plain(step), _plain(Decimal(lot["maxQty"])),
        _plain(Decimal(market["maxQty"])), _plain(Decimal(filters["MIN_NOTIONAL"]["notional"])),
        _plain(Decimal(filters["PERCENT_PRICE"]["multiplierUp"]) - 1), entry["marketTakeBound"],
        entry["triggerProtect"], entry["liquidationFee"],
        _plain(max(Decimal(price["minPrice"]), tick)), _plain(Decimal(price["maxPrice"])),
        MAX_ORDERS, MAX_ALGO_ORDERS,
        max(entry["pricePrecision"], _digits(tick)), max(entry["quantityPrecision"], _digits(step)),
        entry["onboardDate"],
    ]  # fmt: skip


def _ladders(tiers: dict[str, Any], wanted: set[str]) -> tuple[list[Any], dict[str, int], int]:
    """Distinct ladders of [notional cap, leverage, maintenance margin ratio], and which symbol climbs which."""
    ladders: list[Any] = []
    ladder_of: dict[str, int] = {}
    count: Counter[int] = Counter()
    for market, rows in sorted(tiers.items()):
        if not market.endswith("/USDT:USDT"):  # dated futures and other quotes
            continue
        symbol = market.removesuffix(":USDT").replace("/", "")
        infos = (t["info"] for t in rows)
        ladder = [[int(i["notionalCap"]), int(i["initialLeverage"]), float(i["maintMarginRatio"])] for i in infos]
        if ladder not in ladders and symbol in wanted:
            ladders.append(ladder)
        if ladder in ladders:
            count[ladders.index(ladder)] += 1
        if symbol in wanted:
            ladder_of[symbol] = ladders.index(ladder)
    usual = min(count, key=lambda i: (-count[i], i))
    return ladders, ladder_of, usual


def _errors(codes: dict[str, Any]) -> dict[str, list[Any]]:
    """Code: [HTTP status, message] for every futures code that has words."""
    spot = {int(code): entry["msgs"][0] for code, entry in codes["spot_codes"].items() if entry["msgs"]}
    futures = {int(code) for code in codes["futures_codes"]}
    words = {c: m for c, m in spot.items() if c in futures and "%s" not in m and c > -2000} | MESSAGES
    return {str(c): [STATUS.get(c, 400), words[c]] for c in sorted(words, reverse=True)}


def write(table: dict[str, Any]) -> bytes:
    """Compact, a line for each entry."""
    parts = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"{json.dumps(k)}:{_compact(v)}" for k, v in value.items())
            parts.append(f"{json.dumps(key)}:{{\n{rows}\n}}")
        elif key == "ladders":
            parts.append(f"{json.dumps(key)}:[\n" + ",\n".join(map(_compact, value)) + "\n]")
        else:
            parts.append(f"{json.dumps(key)}:{_compact(value)}")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def main(data: Path) -> None:
    written = write(build(data))
    if len(written) > MOST_BYTES:
        raise SystemExit(f"the table has {len(written)} bytes; {MOST_BYTES} are allowed")
    TARGET.write_bytes(written)
    sys.stdout.write(f"{TARGET}: {len(written)} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
