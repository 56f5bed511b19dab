"""What the venue's JSON looks like: orders, positions and account over REST, and the user-data stream's messages."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from trading.practice.values import ZERO, Algo, Fill, Income, Order, Position

Json = dict[str, Any]


def plain(value: Decimal) -> str:
    """A decimal as the venue writes it: no exponent."""
    return f"{value:f}"


def money(value: Decimal) -> str:
    return f"{value + 0:.8f}"  # + 0: no negative zero


# -- REST --------------------------------------------------------------------------------------------------------------
def order(o: Order) -> Json:
    return {
        "orderId": o.order_id,
        "symbol": o.symbol,
        "status": o.status,
        "clientOrderId": o.client_id,
        "price": plain(o.price),
        "avgPrice": _average(o),
        "origQty": plain(o.quantity),
        "executedQty": plain(o.executed),
        "cumQty": plain(o.executed),
        "cumQuote": plain(o.quote),
        "timeInForce": o.tif,
        "type": o.type,
        "reduceOnly": o.reduce_only,
        "closePosition": o.close_position,
        "side": o.side,
        "positionSide": "BOTH",
        "stopPrice": plain(o.trigger),
        "workingType": o.working_type,
        "priceProtect": o.price_protect,
        "origType": o.orig_type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": o.good_till,
        "time": o.time,
        "updateTime": o.updated,
    }


def acknowledged(o: Order) -> Json:
    """The ACK form of a new order: accepted, nothing said of fills."""
    return order(o) | {"status": "NEW", "avgPrice": "0.00", "executedQty": "0", "cumQty": "0", "cumQuote": "0"}


def algo(a: Algo) -> Json:
    return {
        "algoId": a.algo_id,
        "clientAlgoId": a.client_id,
        "algoType": "CONDITIONAL",
        "orderType": a.type,
        "symbol": a.symbol,
        "side": a.side,
        "positionSide": "BOTH",
        "timeInForce": a.tif,
        "quantity": plain(a.quantity),
        "algoStatus": a.status,
        "triggerPrice": plain(a.trigger),
        "price": plain(a.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": a.working_type,
        "priceMatch": "NONE",
        "closePosition": a.close_position,
        "priceProtect": a.price_protect,
        "reduceOnly": a.reduce_only,
        "createTime": a.created,
        "updateTime": a.updated,
        "triggerTime": a.triggered,
        "goodTillDate": a.good_till,
        "actualOrderId": str(a.actual_order_id) if a.actual_order_id else "",
        "actualPrice": plain(a.actual_price),
        "actualQty": plain(a.actual_quantity),
        "tpTriggerPrice": "0",
        "tpPrice": "0",
        "slTriggerPrice": "0",
        "slPrice": "0",
        "tpOrderType": "",
    }


def fill(f: Fill) -> Json:
    return {
        "symbol": f.symbol,
        "id": f.trade_id,
        "orderId": f.order_id,
        "side": f.side,
        "price": plain(f.price),
        "qty": plain(f.quantity),
        "realizedPnl": money(f.realized),
        "marginAsset": "USDT",
        "quoteQty": plain(f.price * f.quantity),
        "commission": money(f.fee),
        "commissionAsset": "USDT",
        "time": f.time,
        "positionSide": "BOTH",
        "buyer": f.side == "BUY",
        "maker": f.maker,
    }


def income(i: Income) -> Json:
    return {
        "symbol": i.symbol,
        "incomeType": i.kind,
        "income": money(i.amount),
        "asset": "USDT",
        "info": i.info,
        "time": i.time,
        "tranId": i.income_id,
        "tradeId": str(i.trade_id) if i.trade_id else "",
    }


# -- the user-data stream ----------------------------------------------------------------------------------------------
def order_update(o: Order, execution: str, now: int, traded: Fill | None = None, status: str = "") -> Json:
    """ORDER_TRADE_UPDATE; `execution` is NEW, TRADE, CANCELED, EXPIRED or CALCULATED (liquidation)."""
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": now,
        "E": now,
        "o": {
            "s": o.symbol,
            "c": o.client_id,
            "S": o.side,
            "o": o.type,
            "f": o.tif,
            "q": plain(o.quantity),
            "p": plain(o.price),
            "ap": _average(o),
            "sp": plain(o.trigger),
            "x": execution,
            "X": status or o.status,
            "i": o.order_id,
            "l": plain(traded.quantity if traded else ZERO),
            "z": plain(o.executed),
            "L": plain(traded.price if traded else ZERO),
            "N": "USDT",
            "n": money(traded.fee if traded else ZERO),
            "T": now,
            "t": traded.trade_id if traded else 0,
            "b": "0",
            "a": "0",
            "m": bool(traded and traded.maker),
            "R": o.reduce_only,
            "wt": o.working_type,
            "ot": o.orig_type,
            "ps": "BOTH",
            "cp": o.close_position,
            "rp": money(traded.realized if traded else ZERO),
            "pP": o.price_protect,
            "si": o.algo_id,
            "ss": 0,
            "V": "NONE",
            "pm": "NONE",
            "gtd": o.good_till,
        },
    }


def algo_update(a: Algo, now: int) -> Json:
    return {
        "e": "ALGO_UPDATE",
        "T": now,
        "E": now,
        "o": {
            "caid": a.client_id,
            "aid": a.algo_id,
            "at": "CONDITIONAL",
            "o": a.type,
            "s": a.symbol,
            "S": a.side,
            "ps": "BOTH",
            "f": a.tif,
            "q": plain(a.quantity),
            "X": a.status,
            "ai": str(a.actual_order_id) if a.actual_order_id else "",
            "ap": plain(a.actual_price),
            "aq": plain(a.actual_quantity),
            "act": ("LIMIT" if a.price else "MARKET") if a.actual_order_id else "0",
            "tp": plain(a.trigger),
            "p": plain(a.price),
            "V": "NONE",
            "wt": a.working_type,
            "pm": "NONE",
            "cp": a.close_position,
            "pP": a.price_protect,
            "R": a.reduce_only,
            "tt": a.triggered,
            "gtd": a.good_till,
            "rm": a.reason,
        },
    }


def account_update(
    reason: str, wallet: Decimal, cross: Decimal, change: Decimal, held: Iterable[tuple[Position, Decimal]], now: int
) -> Json:
    """ACCOUNT_UPDATE; `held` pairs positions with mark prices, `change` is what is neither PnL nor fee."""
    return {
        "e": "ACCOUNT_UPDATE",
        "T": now,
        "E": now,
        "a": {
            "m": reason,
            "B": [{"a": "USDT", "wb": money(wallet), "cw": money(cross), "bc": money(change)}],
            "P": [
                {
                    "s": p.symbol,
                    "pa": plain(p.amount),
                    "ep": plain(p.entry),
                    "bep": plain(p.entry),
                    "cr": money(p.realized),
                    "up": money(p.unrealized(mark)),
                    "mt": "isolated" if p.isolated else "cross",
                    "iw": money(p.margin),
                    "ps": "BOTH",
                    "ma": "USDT",
                }
                for p, mark in held
            ],
        },
    }


def _average(o: Order) -> str:
    return plain(o.average.quantize(Decimal("1e-8"), ROUND_HALF_EVEN).normalize()) if o.executed else "0.00"
