"""Between the venue's JSON and our values: exact strings become `Decimal`, milliseconds become aware datetimes. Pure.

What is missing or no number raises one of `UNREADABLE`: the gateway calls that an unreadable answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from trading.exchange.venue import (
    Account,
    Booking,
    Filters,
    Income,
    Mark,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

T = TypeVar("T")
Json = Mapping[str, Any]
Rules = tuple[dict[str, Filters], dict[str, str]]
QUOTES = ("USDT", "USDC")
UNREADABLE = (KeyError, ValueError, ArithmeticError, TypeError, AttributeError, IndexError)

STATUS = {
    "NEW": OrderStatus.NEW,
    "NEW_INSURANCE": OrderStatus.NEW,
    "NEW_ADL": OrderStatus.NEW,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REFUSED,
}
ALGO_STATUS = {
    "NEW": OrderStatus.NEW,
    "TRIGGERING": OrderStatus.TRIGGERED,
    "TRIGGERED": OrderStatus.TRIGGERED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REFUSED,
    "EXPIRED": OrderStatus.EXPIRED,
}
FOREIGN_TYPES = {"TRAILING_STOP_MARKET": OrderType.STOP_MARKET, "LIQUIDATION": OrderType.LIMIT}  # others place these


# -- names and numbers -------------------------------------------------------------------------------------------------


def market_id(symbol: str) -> str:
    """`BTC/USDT:USDT` -> `BTCUSDT`."""
    base, _, rest = symbol.partition("/")
    return base + rest.partition(":")[0]


def symbol_of(market: str) -> str | None:
    """`BTCUSDT` -> `BTC/USDT:USDT`; None for what is no perpetual of USDT or USDC (`BTCUSDT_260327`)."""
    for quote in QUOTES:
        base = market.removesuffix(quote)
        if base and base != market:
            return f"{base}/{quote}:{quote}"
    return None


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def moment(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def number(value: Any) -> Decimal:
    """A finite number. Bare JSON floats go through their shortest text."""
    exact = Decimal(str(value))
    if not exact.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return exact


def positive(value: Any) -> Decimal | None:
    """A price, or None: the venue writes 0 (or nothing) where there is none."""
    exact = number(value or 0)
    return exact if exact > 0 else None


def text(value: Decimal) -> str:
    """As the venue takes it: no exponent."""
    return format(value, "f")


def true(value: Any) -> bool:
    return value is True or value == "true"


# -- requests ----------------------------------------------------------------------------------------------------------


def ordinary_params(request: OrderRequest) -> dict[str, str]:
    """POST /fapi/v1/order: market and limit."""
    params = {
        "symbol": market_id(request.symbol),
        "side": request.side.upper(),
        "type": request.type.value,
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "RESULT",
    }
    if request.quantity is None:
        raise ValueError("a market or limit order needs a quantity")
    params["quantity"] = text(request.quantity)
    if request.type is OrderType.LIMIT:
        if request.price is None:
            raise ValueError("a limit order needs a price")
        params |= {"price": text(request.price), "timeInForce": "GTC"}
    if request.reduce_only:
        params["reduceOnly"] = "true"
    return params


def conditional_params(request: OrderRequest) -> dict[str, str]:
    """POST /fapi/v1/algoOrder: stops and take-profits, triggered by the mark price."""
    if request.trigger is None:
        raise ValueError("a conditional order needs a trigger")
    if (request.quantity is None) != request.close_position:
        raise ValueError("a conditional order has a quantity or closes the position, one of both")
    params = {
        "algoType": "CONDITIONAL",
        "symbol": market_id(request.symbol),
        "side": request.side.upper(),
        "type": request.type.value,
        "clientAlgoId": request.client_order_id,
        "triggerPrice": text(request.trigger),
        "workingType": "MARK_PRICE",
    }
    if request.type in (OrderType.STOP, OrderType.TAKE_PROFIT):
        if request.price is None:
            raise ValueError("a conditional limit order needs a price")
        params |= {"price": text(request.price), "timeInForce": "GTC"}
    if request.quantity is not None:
        params["quantity"] = text(request.quantity)
    if request.close_position:
        params["closePosition"] = "true"
    elif request.reduce_only:
        params["reduceOnly"] = "true"
    return params


# -- orders and fills --------------------------------------------------------------------------------------------------


def order_type(name: str, price: Decimal | None) -> OrderType:
    """Ours, or for a type that only others place the nearest one."""
    if name in OrderType.__members__:
        return OrderType[name]
    return FOREIGN_TYPES.get(name, OrderType.LIMIT if price else OrderType.MARKET)


def order(raw: Json, symbol: str) -> VenueOrder:
    """An ordinary order of /fapi/v1/order or openOrders."""
    price = positive(raw.get("price"))
    return VenueOrder(
        venue_order_id=str(raw["orderId"]),
        client_order_id=str(raw["clientOrderId"]),
        symbol=symbol,
        side=str(raw["side"]).lower(),
        type=order_type(str(raw["type"]), price),
        status=STATUS[str(raw["status"])],
        quantity=number(raw["origQty"]),
        filled=number(raw["executedQty"]),
        average_price=positive(raw.get("avgPrice")),
        price=price,
        trigger=positive(raw.get("stopPrice")),
        reduce_only=true(raw.get("reduceOnly")),
        close_position=true(raw.get("closePosition")),
        updated_at=moment(raw.get("updateTime") or raw.get("time") or raw["transactTime"]),
    )


def algo_status(raw: Json) -> OrderStatus:
    """FINISHED says only that the spawned order is over: filled where it has a price, else cancelled."""
    name = str(raw["algoStatus"])
    if name == "FINISHED":
        return OrderStatus.FILLED if positive(raw.get("actualPrice")) else OrderStatus.CANCELED
    return ALGO_STATUS[name]


def algo_order(raw: Json, symbol: str) -> VenueOrder:
    """A conditional order of /fapi/v1/algoOrder or openAlgoOrders. `spawned_id` once it has triggered."""
    price = positive(raw.get("price"))
    status = algo_status(raw)
    quantity = number(raw.get("quantity") or 0)
    return VenueOrder(
        venue_order_id=str(raw["algoId"]),
        client_order_id=str(raw["clientAlgoId"]),
        symbol=symbol,
        side=str(raw["side"]).lower(),
        type=order_type(str(raw.get("orderType") or raw["type"]), price),
        status=status,
        quantity=quantity,
        filled=quantity if status is OrderStatus.FILLED else Decimal(0),
        average_price=positive(raw.get("actualPrice")),
        price=price,
        trigger=positive(raw.get("triggerPrice")),
        reduce_only=true(raw.get("reduceOnly")),
        close_position=true(raw.get("closePosition")),
        updated_at=moment(raw.get("updateTime") or raw["createTime"]),
        spawned_id=spawned(raw),
    )


def spawned(raw: Json) -> str:
    """The ordinary order that a triggered one became, or ""."""
    found = str(raw.get("actualOrderId") or "")
    return "" if found == "0" else found


def merged(algo: VenueOrder, became: VenueOrder) -> VenueOrder:
    """A triggered conditional order with the fate of the order that it became."""
    status = OrderStatus.TRIGGERED if became.status is OrderStatus.NEW else became.status
    return replace(
        algo,
        status=status,
        quantity=became.quantity,
        filled=became.filled,
        average_price=became.average_price,
        updated_at=max(algo.updated_at, became.updated_at),
    )


def fill(raw: Json, symbol: str) -> VenueFill:
    return VenueFill(
        trade_id=str(raw["id"]),
        venue_order_id=str(raw["orderId"]),
        symbol=symbol,
        side=str(raw["side"]).lower(),
        price=number(raw["price"]),
        quantity=number(raw["qty"]),
        fee=number(raw["commission"]),
        realized=number(raw["realizedPnl"]),
        at=moment(raw["time"]),
        maker=true(raw.get("maker")),
    )


# -- positions and money -----------------------------------------------------------------------------------------------


def leverage(raw: Json) -> int | None:
    """v2 names it; v3 gives notional and initial margin, whose ratio it is."""
    if raw.get("leverage"):
        return int(number(raw["leverage"]))
    margin, notional = number(raw.get("positionInitialMargin") or 0), abs(number(raw.get("notional") or 0))
    return max(1, round(notional / margin)) if margin > 0 and notional > 0 else None


def position(raw: Json, symbol: str) -> VenuePosition | None:
    """None where nothing is held."""
    amount = number(raw["positionAmt"])
    if amount == 0:
        return None
    isolated = number(raw.get("isolatedWallet") or raw.get("isolatedMargin") or 0)
    mode = str(raw.get("marginType") or ("isolated" if isolated else "cross")).lower()
    return VenuePosition(
        symbol=symbol,
        side=Side.LONG if amount > 0 else Side.SHORT,
        quantity=abs(amount),
        entry_price=number(raw["entryPrice"]),
        mark_price=number(raw["markPrice"]),
        liquidation_price=positive(raw.get("liquidationPrice")),
        unrealized=number(raw.get("unRealizedProfit", raw.get("unrealizedProfit", 0))),
        leverage=leverage(raw),
        margin_mode="cross" if mode.startswith("cross") else "isolated",
        margin=positive(raw.get("isolatedMargin")) or positive(raw.get("positionInitialMargin")),
    )


def symbol_settings(raw: Json) -> tuple[str, int]:
    """An entry of symbolConfig: margin mode and leverage."""
    return ("isolated" if str(raw["marginType"]).upper() == "ISOLATED" else "cross"), int(raw["leverage"])


def account(raw: Json, at: datetime) -> Account:
    return Account(
        equity=number(raw["totalMarginBalance"]),
        balance=number(raw["totalWalletBalance"]),
        available=number(raw["availableBalance"]),
        margin_used=number(raw["totalInitialMargin"]),
        unrealized=number(raw["totalUnrealizedProfit"]),
        at=at,
    )


def amounts(raw: Json) -> dict[str, Decimal]:
    """What an account's list of positions holds by symbol, shorts below zero."""
    rows = ((symbol_of(str(row["symbol"])), number(row["positionAmt"])) for row in raw["positions"])
    return {symbol: amount for symbol, amount in rows if symbol is not None and amount}


def income(raw: Json) -> Income:
    market = str(raw.get("symbol") or "")
    return Income(
        income_id=f"{market}-{raw['tranId']}",
        symbol=symbol_of(market) or market,
        kind=str(raw["incomeType"]),
        amount=number(raw["income"]),
        at=moment(raw["time"]),
    )


def booking(raw: Json) -> Booking:
    """A line of the income history. The venue's tranId is unique within its kind."""
    market, kind = str(raw.get("symbol") or ""), str(raw["incomeType"])
    return Booking(
        income_id=f"{kind}-{market}-{raw['tranId']}",
        kind=kind,
        symbol=symbol_of(market) or market,
        asset=str(raw.get("asset") or ""),
        amount=number(raw["income"]),
        trade_id=str(raw.get("tradeId") or ""),
        info=str(raw.get("info") or "")[:120],
        at=moment(raw["time"]),
    )


# -- market data -------------------------------------------------------------------------------------------------------


def mark(raw: Json) -> Mark | None:
    """An entry of premiumIndex; None for what is no perpetual or has no price."""
    symbol, price = symbol_of(str(raw["symbol"])), positive(raw.get("markPrice"))
    if symbol is None or price is None:
        return None
    return _mark(symbol, price, raw.get("lastFundingRate"), raw.get("nextFundingTime"), raw["time"])


def streamed_mark(raw: Json) -> Mark | None:
    """An event of the stream markPrice@arr."""
    symbol, price = symbol_of(str(raw["s"])), positive(raw.get("p"))
    return _mark(symbol, price, raw.get("r"), raw.get("T"), raw["E"]) if symbol and price else None


def _mark(symbol: str, price: Decimal, rate: Any, next_funding: Any, at: Any) -> Mark:
    next_at = moment(next_funding) if next_funding else None
    return Mark(symbol, price, funding_rate=number(rate or 0), next_funding_at=next_at, at=moment(at))


# -- the venue's rules -------------------------------------------------------------------------------------------------


def filters(raw: Json, brackets: list[Json] | None = None) -> Filters | None:
    """An entry of exchangeInfo with its leverage brackets; None for what is no perpetual of USDT or USDC."""
    symbol = symbol_of(str(raw["symbol"]))
    if symbol is None or "PERPETUAL" not in str(raw.get("contractType")):
        return None
    rules = {rule["filterType"]: rule for rule in raw["filters"]}
    lot, price = rules["LOT_SIZE"], rules["PRICE_FILTER"]
    market_lot = rules.get("MARKET_LOT_SIZE", lot)
    percent = rules.get("PERCENT_PRICE", {})
    lowest = brackets[0] if brackets else {}
    return Filters(
        symbol=symbol,
        tick=number(price["tickSize"]),
        step=max(number(lot["stepSize"]), number(market_lot["stepSize"])),
        min_quantity=max(number(lot["minQty"]), number(market_lot["minQty"])),
        max_quantity=number(lot["maxQty"]),
        market_max_quantity=number(market_lot["maxQty"]),
        min_notional=number(rules["MIN_NOTIONAL"]["notional"]) if "MIN_NOTIONAL" in rules else Decimal(0),
        percent_up=number(percent.get("multiplierUp", "1.05")),
        percent_down=number(percent.get("multiplierDown", "0.95")),
        take_bound=number(raw.get("marketTakeBound", "0.05")),
        trading=raw.get("status") == "TRADING",
        max_leverage=int(lowest.get("initialLeverage", 20)),
        maintenance_rate=number(lowest.get("maintMarginRatio", "0.01")),
    )


def rules(rows: Iterable[Any], brackets: Mapping[str, Any], known: Mapping[str, Filters]) -> Rules:
    """Every perpetual of exchangeInfo, row by row; and why a row can't be read, by the venue's name for it.

    What can't be read in full is not entered; what is known of it remains, because it may have to be left.
    """
    found: dict[str, Filters] = {}
    odd: dict[str, str] = {}
    for row in rows:
        name = str(row.get("symbol")) if isinstance(row, Mapping) else "a row without a symbol"
        try:
            one = usable(filters(row, brackets.get(name)))
        except UNREADABLE as error:
            odd[name] = f"{type(error).__name__} {error}"
            one = remaining(row, known.get(symbol_of(name) or ""))
        if one is not None:
            found[one.symbol] = one
    return found, odd


def remaining(row: Any, known: Filters | None) -> Filters | None:
    """The rules of a row whose brackets can't be read, or those that were read before; good for the way out alone."""
    with suppress(*UNREADABLE):
        known = usable(filters(row))
    return replace(known, trading=False) if known is not None else None


def usable(rule: Filters | None) -> Filters | None:
    """Prices and quantities are rounded to its steps; the venue has listed symbols whose tick is 0."""
    if rule is not None and not (rule.tick > 0 and rule.step > 0):
        raise ValueError(f"a tick of {rule.tick}, a step of {rule.step}")
    return rule


def brackets(rows: Iterable[Any]) -> dict[str, Any]:
    """The leverage brackets by the venue's symbols; of a row that can't be read, none."""
    read = [row for row in rows if isinstance(row, Mapping) and "symbol" in row and "brackets" in row]
    if not read:
        raise ValueError("no leverage brackets")
    return {str(row["symbol"]): row["brackets"] for row in read}


def perpetuals(parse: Callable[[Any, str], T | None], rows: Any) -> list[T]:
    """Every row under its symbol, without those that are no perpetuals or hold nothing."""
    named = ((symbol_of(str(row["symbol"])), row) for row in rows)
    return [found for symbol, row in named if symbol is not None and (found := parse(row, symbol)) is not None]
