"""From a request's parameters to an order that the rules of its symbol allow, or to the venue's refusal. Pure."""

from __future__ import annotations

from decimal import Decimal

from trading.practice import params as read
from trading.practice.params import Params
from trading.practice.rules import Rules, decimals, on_grid
from trading.practice.values import CONDITIONAL, ZERO, Algo, Order, Quote, Refused

TYPES = ("MARKET", "LIMIT", *CONDITIONAL, "TRAILING_STOP_MARKET")
TIFS = ("GTC", "IOC", "FOK", "GTX", "GTD")
WORKING = ("MARK_PRICE", "CONTRACT_PRICE")


def order_ticket(params: Params, rules: Rules, mark: Decimal, order_id: int, now: int) -> Order:
    """An ordinary order (MARKET or LIMIT); conditional types live at the algo endpoints."""
    kind = read.choice(params, "type", TYPES, -1116)
    if kind not in ("MARKET", "LIMIT"):
        raise Refused(-4120)
    side = _side(params)
    reduce_only = read.flag(params, "reduceOnly")
    if read.flag(params, "closePosition"):
        raise Refused(-4136, f"Target strategy invalid for orderType '{kind}',closePosition 'true'")
    quantity = read.required_number(params, "quantity")
    price, tif = ZERO, "GTC"
    if kind == "LIMIT":
        tif = _tif(params, required=True)
        price = read.required_number(params, "price")
        check_price(price, rules)
    elif params.get("price"):
        raise Refused(-1106, "Parameter 'price' sent when not required.")
    check_quantity(quantity, rules, market=kind == "MARKET")
    if price:
        check_percent(price, side, mark, rules)
    if not reduce_only:
        check_notional(quantity * (price or mark), rules)
    return Order(
        order_id=order_id,
        client_id=read.client_id(params, "newClientOrderId") or f"practice-{order_id}",
        symbol=rules.symbol,
        side=side,
        type=kind,
        orig_type=kind,
        quantity=quantity,
        price=price,
        tif=tif,
        reduce_only=reduce_only,
        good_till=_good_till(params, tif, now),
        time=now,
        updated=now,
    )


def algo_ticket(params: Params, rules: Rules, quote: Quote, algo_id: int, now: int) -> Algo:
    """A conditional order, whose trigger the current price must not have reached yet."""
    read.choice(params, "algoType", ("CONDITIONAL",), -1130)
    kind = read.choice(params, "type", TYPES, -1116)
    if kind not in CONDITIONAL:
        raise Refused(-1116)
    side = _side(params)
    close, reduce_only = read.flag(params, "closePosition"), read.flag(params, "reduceOnly")
    working = read.choice(params, "workingType", WORKING, -4031, "CONTRACT_PRICE")
    trigger = read.number(params, "triggerPrice") or read.number(params, "stopPrice")
    if trigger is None:
        raise read.missing("triggerPrice")
    check_trigger(trigger, rules)
    tif = _tif(params, required=False)
    limited = kind in ("STOP", "TAKE_PROFIT")
    price = read.required_number(params, "price") if limited else ZERO
    if close:
        quantity = _close_position(params, kind)
    else:
        quantity = read.required_number(params, "quantity")
        check_quantity(quantity, rules, market=not limited)
    if price:
        check_price(price, rules)
        check_percent(price, side, trigger, rules, codes=(-4183, -4184))
    if not close and not reduce_only:
        check_notional(quantity * (price or trigger), rules)
    ticket = Algo(
        algo_id=algo_id,
        client_id=read.client_id(params, "clientAlgoId") or f"practice-algo-{algo_id}",
        symbol=rules.symbol,
        side=side,
        type=kind,
        quantity=quantity,
        price=price,
        trigger=trigger,
        tif=tif,
        working_type=working,
        reduce_only=reduce_only or close,
        close_position=close,
        price_protect=read.flag(params, "priceProtect"),
        good_till=_good_till(params, tif, now),
        created=now,
        updated=now,
    )
    if reached(ticket, quote.by(working)):
        raise Refused(-2021)
    return ticket


def reached(algo: Algo, price: Decimal) -> bool:
    """The working price is at the trigger or beyond."""
    return price >= algo.trigger if algo.rises else price <= algo.trigger


# -- the symbol's filters ----------------------------------------------------------------------------------------------
def check_quantity(quantity: Decimal, rules: Rules, *, market: bool) -> None:
    if quantity <= 0:
        raise Refused(-4003)
    if decimals(quantity) > rules.quantity_decimals:
        raise Refused(-1111)
    if quantity < rules.min_quantity:
        raise Refused(-4004)
    if quantity > (rules.market_max_quantity if market else rules.max_quantity):
        raise Refused(-4005)
    if not on_grid(quantity, rules.step):
        raise Refused(-4023)


def check_price(price: Decimal, rules: Rules) -> None:
    if price <= 0:
        raise Refused(-4001)
    if decimals(price) > rules.price_decimals:
        raise Refused(-1111)
    if price < rules.min_price:
        raise Refused(-4013)
    if price > rules.max_price:
        raise Refused(-4002)
    if not on_grid(price, rules.tick):
        raise Refused(-4014)


def check_trigger(trigger: Decimal, rules: Rules) -> None:
    if trigger <= 0:
        raise Refused(-4006)
    if decimals(trigger) > rules.price_decimals:
        raise Refused(-1111)
    if trigger > rules.max_price:
        raise Refused(-4007)
    if not on_grid(trigger, rules.tick):
        raise Refused(-4014)


def check_percent(
    price: Decimal, side: str, reference: Decimal, rules: Rules, codes: tuple[int, int] = (-4016, -4024)
) -> None:
    """PERCENT_PRICE: no bid far above the reference (mark price or trigger), no offer far below it."""
    top, bottom = rules.floor_price(reference * rules.percent_up), rules.ceil_price(reference * rules.percent_down)
    if side == "BUY" and price > top:
        raise Refused(codes[0], f"Limit price can't be higher than {top:f}.")
    if side == "SELL" and price < bottom:
        raise Refused(codes[1], f"Limit price can't be lower than {bottom:f}.")


def check_notional(notional: Decimal, rules: Rules) -> None:
    if notional < rules.min_notional:
        least = rules.min_notional.normalize()
        raise Refused(-4164, f"Order's notional must be no smaller than {least:f} (unless you choose reduce only).")


# -- the parts of a ticket ---------------------------------------------------------------------------------------------
def _side(params: Params) -> str:
    if params.get("positionSide", "BOTH") not in ("", "BOTH"):
        raise Refused(-4061)
    return read.choice(params, "side", ("BUY", "SELL"), -1117)


def _tif(params: Params, *, required: bool) -> str:
    return read.choice(params, "timeInForce", TIFS, -1115, None if required else "GTC")


def _good_till(params: Params, tif: str, now: int) -> int:
    if tif != "GTD":
        return 0
    until = read.required_integer(params, "goodTillDate")
    if until <= now + 600_000:
        raise Refused(-5040, "TIF GTD's goodTillDate must be at least 600 seconds ahead.")
    return until


def _close_position(params: Params, kind: str) -> Decimal:
    if kind not in ("STOP_MARKET", "TAKE_PROFIT_MARKET"):
        raise Refused(-4136, f"Target strategy invalid for orderType '{kind}',closePosition 'true'")
    if params.get("quantity"):
        raise Refused(-4137)
    if "reduceOnly" in params:
        raise Refused(-1106, "Parameter 'reduceOnly' sent when not required.")
    return ZERO
