"""The signed account endpoints: balances, positions, and the settings of each symbol; and the listen key."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from trading.practice import params as read
from trading.practice.account import MAKER, TAKER, initial_margin
from trading.practice.margin import maintenance, max_notional
from trading.practice.params import Params
from trading.practice.shapes import Json, money, plain
from trading.practice.values import ZERO, Position, Refused

if TYPE_CHECKING:
    from trading.practice.exchange import Exchange

V3_FIELDS = (
    "symbol", "positionSide", "positionAmt", "isolatedMargin", "notional", "isolatedWallet", "initialMargin",
    "maintMargin", "updateTime",
)  # fmt: skip
V2_FIELDS = (
    *V3_FIELDS, "leverage", "isolated", "entryPrice", "breakEvenPrice", "positionInitialMargin",
    "openOrderInitialMargin", "maxNotionalValue", "bidNotional", "askNotional",
)  # fmt: skip
SUCCESS = {"code": 200, "msg": "success"}


def balance(x: Exchange, p: Params) -> list[Json]:
    a = x.engine.account
    free = money(x.engine.available())
    return [
        {
            "accountAlias": "practice",
            "asset": "USDT",
            "balance": money(a.wallet),
            "crossWalletBalance": money(a.cross_wallet),
            "crossUnPnl": money(_profit(x, [q for q in a.held() if not q.isolated])),
            "availableBalance": free,
            "maxWithdrawAmount": free,
            "marginAvailable": True,
            "updateTime": x.now,
        }
    ]


def account_v3(x: Exchange, p: Params) -> Json:
    busy = set(x.engine.at_stake())
    return _account(x, [q for q in x.engine.account.positions.values() if q.symbol in busy], V3_FIELDS)


def account_v2(x: Exchange, p: Params) -> Json:
    rows = _account(x, [x.engine.account.position(s) for s in x.market.symbols], V2_FIELDS)
    flags = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "multiAssetsMargin": False}
    return flags | {"tradeGroupId": -1, "updateTime": 0} | rows


def position_risk_v3(x: Exchange, p: Params) -> list[Json]:
    """Symbols with a position or an order."""
    busy = set(x.engine.at_stake())
    wanted = {x.symbol(p)} if p.get("symbol") else busy
    return [position_v3(x, q) for q in x.engine.account.positions.values() if q.symbol in wanted & busy]


def position_risk_v2(x: Exchange, p: Params) -> list[Json]:
    symbols = [x.symbol(p)] if p.get("symbol") else list(x.market.symbols)
    return [position_v2(x, x.engine.account.position(s)) for s in symbols]


def leverage_bracket(x: Exchange, p: Params) -> Json | list[Json]:
    def one(symbol: str) -> Json:
        return {"symbol": symbol, "notionalCoef": 1.0, "brackets": x.tables.brackets(symbol)}

    return one(x.symbol(p)) if p.get("symbol") else [one(s) for s in x.market.symbols]


def leverage(x: Exchange, p: Params) -> Json:
    symbol, wanted = x.symbol(p), read.required_integer(p, "leverage", -(2**31))
    x.engine.set_leverage(symbol, wanted)
    cap = max_notional(wanted, x.engine.brackets(symbol))
    return {"leverage": wanted, "maxNotionalValue": plain(cap), "symbol": symbol}


def margin_type(x: Exchange, p: Params) -> Json:
    symbol = x.symbol(p)
    wanted = read.choice(p, "marginType", ("ISOLATED", "CROSSED"), -1130)
    x.engine.set_margin_type(symbol, isolated=wanted == "ISOLATED")
    return SUCCESS


def symbol_config(x: Exchange, p: Params) -> list[Json]:
    symbols = [x.symbol(p)] if p.get("symbol") else list(x.market.symbols)
    return [
        {
            "symbol": q.symbol,
            "marginType": "ISOLATED" if q.isolated else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": q.leverage,
            "maxNotionalValue": plain(max_notional(q.leverage, x.engine.brackets(q.symbol))),
        }
        for q in map(x.engine.account.position, symbols)
    ]


def commission_rate(x: Exchange, p: Params) -> Json:
    rates = {"makerCommissionRate": plain(MAKER), "takerCommissionRate": plain(TAKER)}
    return {"symbol": x.symbol(p)} | rates


def position_side(x: Exchange, p: Params) -> Json:
    return {"dualSidePosition": x.faults.account_mode("hedge", x.now)}


def set_position_side(x: Exchange, p: Params) -> Json:
    """One-way mode is the only one here."""
    wanted = read.choice(p, "dualSidePosition", ("true", "false"), -1130)
    if wanted == "true":
        raise Refused(-4084, "Method is not allowed currently. Upcoming soon.")
    raise Refused(-4059)


def multi_assets(x: Exchange, p: Params) -> Json:
    return {"multiAssetsMargin": x.faults.account_mode("multi_assets", x.now)}


def restrictions(x: Exchange, p: Params) -> Json:
    """What the key may do: read and trade futures, and nothing else."""
    may = {"enableReading": True, "enableFutures": True}
    may_not = dict.fromkeys(
        (
            "ipRestrict", "enableMargin", "enableWithdrawals", "enableInternalTransfer", "enableVanillaOptions",
            "permitsUniversalTransfer", "enableSpotAndMarginTrading",
        ),
        False,
    )  # fmt: skip
    return {"createTime": 0} | may | may_not


def create_listen_key(x: Exchange, p: Params) -> Json:
    return {"listenKey": x.listen_key(renew=True)}


def renew_listen_key(x: Exchange, p: Params) -> Json:
    if not x.listen_key():
        raise Refused(-1125)
    return {"listenKey": x.listen_key(renew=True)}


def close_listen_key(x: Exchange, p: Params) -> Json:
    x.drop_listen_key()
    return {}


# -- rows, shared with the desk ----------------------------------------------------------------------------------------
def position_v3(x: Exchange, q: Position) -> Json:
    mark = x.market.mark(q.symbol, x.now)
    notional = q.amount * mark
    held, orders = initial_margin(q, mark), x.engine.reserved(q.symbol)
    limit = x.engine.liquidation_price(q) if q.amount else ZERO
    return {
        "symbol": q.symbol,
        "positionSide": "BOTH",
        "positionAmt": plain(q.amount),
        "entryPrice": plain(q.entry),
        "breakEvenPrice": plain((q.entry * (1 + TAKER * q.sign)).quantize(Decimal("1e-10"), ROUND_HALF_EVEN)),
        "markPrice": plain(mark),
        "unRealizedProfit": money(q.unrealized(mark)),
        "liquidationPrice": plain(max(limit, ZERO).quantize(Decimal("1e-8"), ROUND_HALF_EVEN)),
        "isolatedMargin": money(q.margin + q.unrealized(mark) if q.isolated and q.amount else ZERO),
        "notional": money(notional),
        "marginAsset": "USDT",
        "isolatedWallet": money(q.margin),
        "initialMargin": money(held + orders),
        "maintMargin": money(maintenance(abs(notional), x.engine.brackets(q.symbol))),
        "positionInitialMargin": money(held),
        "openOrderInitialMargin": money(orders),
        "adl": 1 if q.amount else 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": q.updated,
    }


def position_v2(x: Exchange, q: Position) -> Json:
    return position_v3(x, q) | {
        "leverage": str(q.leverage),
        "maxNotionalValue": plain(max_notional(q.leverage, x.engine.brackets(q.symbol))),
        "marginType": "isolated" if q.isolated else "cross",
        "isAutoAddMargin": "false",
    }


def _account(x: Exchange, positions: list[Position], fields: tuple[str, ...]) -> Json:
    a, marks = x.engine.account, x.engine.marks()
    held = a.held()
    profit, crossed = _profit(x, held), _profit(x, [q for q in held if not q.isolated])
    used = sum((initial_margin(q, marks[q.symbol]) for q in held), ZERO)
    orders = sum((x.engine.reserved(s) for s in {o.symbol for o in x.engine.open_orders()}), ZERO)
    kept = sum((maintenance(abs(q.amount) * marks[q.symbol], x.engine.brackets(q.symbol)) for q in held), ZERO)
    free = x.engine.available()
    totals: dict[str, Any] = {
        "walletBalance": a.wallet,
        "unrealizedProfit": profit,
        "marginBalance": a.wallet + profit,
        "maintMargin": kept,
        "initialMargin": used + orders,
        "positionInitialMargin": used,
        "openOrderInitialMargin": orders,
        "crossWalletBalance": a.cross_wallet,
        "crossUnPnl": crossed,
    }
    asset = {name: money(v) for name, v in totals.items()} | {
        "asset": "USDT",
        "availableBalance": money(free),
        "maxWithdrawAmount": money(free),
        "marginAvailable": True,
        "updateTime": x.now,
    }
    return {
        **{f"total{name[0].upper()}{name[1:]}": money(v) for name, v in totals.items()},
        "availableBalance": money(free),
        "maxWithdrawAmount": money(free),
        "assets": [asset],
        "positions": [_account_position(x, q, fields) for q in positions],
    }


def _account_position(x: Exchange, q: Position, fields: tuple[str, ...]) -> Json:
    risk = position_v2(x, q) | {"isolated": q.isolated}
    row = {name: risk[name] for name in fields}
    return row | {"unrealizedProfit": risk["unRealizedProfit"]}


def _profit(x: Exchange, positions: list[Position]) -> Decimal:
    return sum((q.unrealized(x.market.mark(q.symbol, x.now)) for q in positions), ZERO)


ROUTES = {
    ("GET", "/fapi/v2/balance"): balance,
    ("GET", "/fapi/v3/balance"): balance,
    ("GET", "/fapi/v2/account"): account_v2,
    ("GET", "/fapi/v3/account"): account_v3,
    ("GET", "/fapi/v2/positionRisk"): position_risk_v2,
    ("GET", "/fapi/v3/positionRisk"): position_risk_v3,
    ("GET", "/fapi/v1/leverageBracket"): leverage_bracket,
    ("POST", "/fapi/v1/leverage"): leverage,
    ("POST", "/fapi/v1/marginType"): margin_type,
    ("GET", "/fapi/v1/symbolConfig"): symbol_config,
    ("GET", "/fapi/v1/commissionRate"): commission_rate,
    ("GET", "/fapi/v1/positionSide/dual"): position_side,
    ("POST", "/fapi/v1/positionSide/dual"): set_position_side,
    ("GET", "/fapi/v1/multiAssetsMargin"): multi_assets,
    ("GET", "/sapi/v1/account/apiRestrictions"): restrictions,
    ("GET", "/sapi/v1/capital/config/getall"): lambda x, p: [],
}
KEYED = {
    ("POST", "/fapi/v1/listenKey"): create_listen_key,
    ("PUT", "/fapi/v1/listenKey"): renew_listen_key,
    ("DELETE", "/fapi/v1/listenKey"): close_listen_key,
}
