"""A market's worth of rows, made straight through the ORM: what the pages, the API and the browser are tested on."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from monitoring.control.permissions import ROLES, grant
from monitoring.watch.manifest import expected
from tests import builders as make
from trading.codes import Code
from trading.gates.judge import GATES
from trading.gates.sentence import say
from trading.models import (
    AccountSnapshot,
    Candle,
    Cycle,
    Decision,
    Fill,
    Intent,
    ModelVersion,
    ModuleState,
    Order,
    PolicyVersion,
    Position,
    ProcessState,
    Signal,
    SwitchChange,
    Trade,
    TrainingRun,
    UniverseSnapshot,
)

SYMBOLS = [f"{base}/USDT:USDT" for base in (
    "BTC", "ETH", "SOL", "XRP", "LINK", "AVAX", "DOGE", "ADA", "DOT", "LTC", "APT", "UNI",
)]  # fmt: skip
KINDS = ("lightgbm", "xgboost", "extratrees", "logistic")
MODE = "practice"


def user(name: str = "mira", roles: Iterable[str] = ROLES, **changes: Any) -> User:
    one = User.objects.create_user(name, password="a-long-password", **changes)
    grant(one, roles)
    return one


def bar_of(now: datetime, back: int = 0) -> datetime:
    """Open time of the bar that closed `back` bars before the newest closed one."""
    step = settings.QUANTUM.bar
    width = int(step.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // width * width, now.tzinfo) - (back + 1) * step


def policy(now: datetime, **changes: Any) -> PolicyVersion:
    row = {"version": PolicyVersion.objects.count() + 1, "regime": "RANGING", "volatility": "NORMAL"}
    row |= {"min_confidence": 0.40, "size_factor": 0.7, "entries_allowed": True, "since": now - timedelta(minutes=34)}
    row |= {"why": "Median ADX 17.2 over 12 symbols, ranging below 20; ATR 0.9 % of the price."}
    return PolicyVersion.objects.create(**row | changes)


def cycle(now: datetime, back: int = 0, **changes: Any) -> Cycle:
    """A judged bar: twelve symbols, all evaluated and flat unless told otherwise."""
    bar = bar_of(now, back)
    step = settings.QUANTUM.bar
    row = {"timeframe": settings.QUANTUM.timeframe, "bar": bar, "at": bar + step + timedelta(seconds=1)}
    row |= {"symbols": 12, "evaluated": 12, "flat": 12, "signals": 0, "called_by": "stream", "lag_ms": 940}
    row |= {"desk": desk(row["at"])}
    return Cycle.objects.create(**row | {"took_ms": 38, "mode": MODE} | changes)


def desk(at: datetime) -> dict:
    """The desk as a cycle keeps it, in short: what the trail of a decision reads."""
    seen = at - timedelta(seconds=1)
    market = {"candle_at": seen.isoformat(), "mark": "14.24", "mark_at": seen.isoformat(), "ema200": 14.1}
    market |= {"funding_rate": 0.0001, "last_order_at": (at - timedelta(seconds=9000)).isoformat()}
    limits = {"max_data_age": 90, "max_price_age": 30, "max_daily_loss": "0.03", "quorum": 2, "cooldown": 7200}
    limits |= {"taker_fee": "0.0005", "slippage": "0.0002", "target_r": 2.5, "trend_band": 0.02, "max_funding": 0.001}
    limits |= {"max_price_drift": 0.5, "confidence_threshold": 0.0, "countertrend_confidence": 0.5}
    policy = {"min_confidence": 0.40, "setting": "QT_POLICY_MIN_CONF_RANGING"}
    return {"now": at.isoformat(), "equity": "10412.38", "daily_pnl": "-43.90", "policy": policy, "limits": limits,
            "markets": dict.fromkeys(SYMBOLS, market)}  # fmt: skip


def votes(side: str, confidence: float) -> list[dict]:
    tilt = (0.03, 0.01, -0.02, -0.05)
    version = "20261122T1405"
    return [
        {"model": f"{kind} {version}", "kind": kind, "version": version, "side": side if i < 3 else "short",
         "probability": round(max(0.0, confidence + d), 6)}
        for i, (kind, d) in enumerate(zip(KINDS, tilt, strict=True))
    ]  # fmt: skip


def signal(of: Cycle, symbol: str, side: str = "long", confidence: float = 0.43, **changes: Any) -> Signal:
    row = {"symbol": symbol, "side": side, "confidence": confidence, "threshold": 0.40, "agreement": 0.75}
    row |= {"votes": votes(side, confidence), "price": Decimal("14.22"), "atr": 0.11, "r": 0.165}
    return Signal.objects.create(cycle=of, at=of.bar + settings.QUANTUM.bar, mode=MODE, **row | changes)


NAMES = GATES.names
GATE_OF = {
    Code.COOLDOWN_ACTIVE: "cooled_down",
    Code.LOW_CONFIDENCE: "confidence",
    Code.EXPECTED_COST_TOO_HIGH: "earns_its_costs",
    Code.CORRELATION: "uncorrelated",
    Code.MAX_POSITIONS: "free_slot",
    Code.MIN_NOTIONAL: "notional_enough",
    Code.KILL_SWITCH: "switch_active",
    Code.FEED_STALE: "fresh_candle",
}


def no(code: Code, value: float | str | None, limit: float | str | None, setting: str = "", **facts: Any) -> dict:
    """One rejection as the cycle stores it."""
    told = {"code": code.value, "value": value, "limit": limit, "setting": setting, "facts": facts}
    return told | {"sentence": say(code, {"value": value, "limit": limit, **facts})}


def cooldown(seconds: float, needed: float = 7200) -> dict:
    return no(Code.COOLDOWN_ACTIVE, seconds, needed, "QT_COOLDOWN_SECONDS", order_id=7)


def low(confidence: float, needed: float = 0.40) -> dict:
    return no(Code.LOW_CONFIDENCE, confidence, needed, "QT_POLICY_MIN_CONF_RANGING", when="while the market ranges")


def correlated(value: float = 0.78) -> dict:
    return no(Code.CORRELATION, value, 0.7, "QT_MAX_CORRELATION", other="BTC/USDT:USDT", other_side="long")


def too_small() -> dict:
    return no(Code.MIN_NOTIONAL, 4.1, 5.0, "QT_RISK_PER_TRADE")


def gates(noes: list[dict]) -> list[dict]:
    """Every gate's answer: the named ones said no; after a signal gate's no, slot and size gates are not asked."""
    failing = {GATE_OF[Code(one["code"])] for one in noes}
    early = any(NAMES.index(name) < NAMES.index("free_slot") for name in failing)
    return [
        {
            "name": name,
            "passed": None if early and NAMES.index(name) >= NAMES.index("free_slot") else name not in failing,
        }
        for name in NAMES
    ]


def rejected(of: Signal, *noes: dict, **changes: Any) -> Decision:
    row = {"outcome": "rejected", "code": noes[0]["code"], "sentence": noes[0]["sentence"], "rejections": list(noes)}
    row |= {"gates": gates(list(noes)), "policy": PolicyVersion.objects.order_by("-version").first()}
    at = of.cycle.at
    return Decision.objects.create(signal=of, at=at, settled_at=at, mode=MODE, **row | changes)


def decided(of: Signal, outcome: str, code: str = "", sentence: str = "", **changes: Any) -> Decision:
    """A traded, failed or pending one."""
    row = {"outcome": outcome, "code": code, "sentence": sentence, "gates": gates([]), "rank": 1}
    row |= {"policy": PolicyVersion.objects.order_by("-version").first(), "at": of.cycle.at, "mode": MODE}
    if outcome == "pending":
        row |= {"ticket": {"notional": "100", "risk": "1", "margin": "34"}}
    return Decision.objects.create(signal=of, **row | changes)


def entry(decision: Decision, status: str = "filled", quantity: str = "1", price: str = "100", **changes: Any) -> Order:
    side = "buy" if decision.signal.side == "long" else "sell"
    intent = make.intent(decision=decision, symbol=decision.signal.symbol, side=side, quantity=Decimal(quantity),
                         created_at=decision.at, client_order_id=f"q-entry-{decision.pk}")  # fmt: skip
    row = {"intent": intent, "status": status, "venue_order_id": str(9000 + intent.pk), "filled": Decimal(quantity)}
    row |= {"average_price": Decimal(price), "sent_at": decision.at, "updated_at": decision.at, "mode": MODE}
    return Order.objects.create(**row | changes)


def guard(position: Position, kind: str, trigger: str, verified_at: datetime | None, **changes: Any) -> Order:
    """A resting stop or backstop."""
    backstop = kind == Intent.BACKSTOP
    intent = make.intent(
        kind=kind, position=position, reason="protect", requester="position_monitor", symbol=position.symbol,
        side="sell" if position.side == "long" else "buy", type="STOP_MARKET" if backstop else "STOP",
        quantity=None if backstop else position.quantity, trigger=Decimal(trigger), reduce_only=not backstop,
        close_position=backstop, created_at=position.opened_at, client_order_id=f"q-{kind}-{position.pk}",
    )  # fmt: skip
    row = {"intent": intent, "status": "new", "venue_order_id": str(5000 + intent.pk), "verified_at": verified_at}
    return Order.objects.create(
        **row | {"sent_at": position.opened_at, "updated_at": position.opened_at, "mode": MODE} | changes
    )


def position(symbol: str, now: datetime, **changes: Any) -> Position:
    row = {"symbol": symbol, "opened_at": now - timedelta(minutes=41), "expires_at": now + timedelta(minutes=7)}
    row |= {"protected_since": now - timedelta(minutes=41), "seconds_unprotected": 1.4, "verified_at": now}
    row |= {"mark_at": now - timedelta(seconds=1)}
    return make.position(**row | changes)


def snapshot(at: datetime, equity: float, **changes: Any) -> AccountSnapshot:
    row = {"equity": Decimal(str(round(equity, 2))), "balance": Decimal("10380.79"), "available": Decimal("6122.40")}
    row |= {"margin_used": Decimal("4290.11"), "unrealized": Decimal("31.59"), "mode": MODE}
    return AccountSnapshot.objects.create(at=at, **row | changes)


def beat(name: str, now: datetime, ago: float = 4, worked: float | None = 4, **changes: Any) -> ModuleState:
    row: dict[str, Any] = {"last_tick": now - timedelta(seconds=ago), "called_by": "beat", "examined": 12, "lag_ms": 20}
    row |= {"last_work": now - timedelta(seconds=worked) if worked is not None else None}
    return ModuleState.objects.update_or_create(name=name, defaults=row | changes)[0]


def hearts(now: datetime, **silent: float) -> None:
    """The five processes beat, and have for 20 minutes; `silent` names those that don't, and for how many seconds."""
    for pid, name in enumerate(("web", "worker", "trainer", "beat", "stream"), 4000):
        row = {"started_at": now - timedelta(minutes=20), "beat_at": now - timedelta(seconds=silent.get(name, 1))}
        row |= {"work_at": row["beat_at"], "works": 1200, "build": "1e0bb68e961d", "code": "3c2bf78e37ba"}
        ProcessState.objects.update_or_create(
            name=name, host="house", pid=pid, defaults=row | {"config_hash": "0" * 12}
        )


def champion(kind: str, now: datetime, **changes: Any) -> ModelVersion:
    config = settings.QUANTUM
    out = {"auc": 0.574, "log_loss": 0.5981, "base_log_loss": 0.6012, "n": 8120}
    row = {"kind": kind, "version": "20261122T1405", "status": "champion", "venue_family": "binanceusdm"}
    row |= {"data_source": config.data_source, "timeframe": config.timeframe, "trained_at": now - timedelta(minutes=27)}
    row |= {"path": f"{kind}.bin", "sha256": "0" * 64, "features": ["rsi"]}
    row |= {"metrics": {"in_sample": {"auc": 0.61}, "out_of_sample": out, "base_rate": 0.2861}}
    return ModelVersion.objects.create(**row | changes)


def training(now: datetime, eta: float | None = 14, **changes: Any) -> TrainingRun:
    row = {"started_at": now - timedelta(seconds=12), "beat_at": now, "stage": "calibrating 3 of 4", "progress": 0.46}
    return TrainingRun.objects.create(**row | {"eta_seconds": eta, "rows": 24000} | changes)


def candles(symbol: str, now: datetime, bars: int = 3, price: float = 100.0, late: int = 0) -> list[Candle]:
    rows = []
    for back in range(late, late + bars):
        p = price * (1 + 0.004 * math.sin(back))
        rows.append(Candle(symbol=symbol, timeframe=settings.QUANTUM.timeframe, open_time=bar_of(now, back), open=p,
                           high=p * 1.003, low=p * 0.997, close=p * 1.001, volume=120.0))  # fmt: skip
    return Candle.objects.bulk_create(rows)


def universe(now: datetime, symbols: Iterable[str] = SYMBOLS, **changes: Any) -> UniverseSnapshot:
    rows = [{"symbol": s, "rank": i + 1, "status": "in", "why": "among the most traded"} for i, s in enumerate(symbols)]
    row = {"at": now - timedelta(minutes=2), "symbols": rows, "source": "exchangeInfo"}
    return UniverseSnapshot.objects.create(**row | changes)


def switch(state: str, now: datetime, **changes: Any) -> SwitchChange:
    row = {"state": state, "at": now - timedelta(minutes=6), "by": "mira", "reason": "waiting for the release"}
    return SwitchChange.objects.create(**row | changes)


def closed_trade(symbol: str, now: datetime, net: str = "14.28", **changes: Any) -> Trade:
    p = position(symbol, now, quantity=Decimal(0), opened_quantity=Decimal(2), status="closed", close_reason="target",
                 closed_at=now - timedelta(minutes=50), opened_at=now - timedelta(minutes=95))  # fmt: skip
    row = {"symbol": symbol, "side": "long", "quantity": Decimal(2), "entry_price": Decimal(100)}
    row |= {"exit_price": Decimal("107.6"), "gross": Decimal("15.20"), "fees": Decimal("0.92"), "funding": Decimal(0)}
    row |= {"net": Decimal(net), "r_multiple": 2.1, "opened_at": p.opened_at, "closed_at": p.closed_at, "mode": MODE}
    return Trade.objects.create(position=p, close_reason="target", **row | changes)


def fill(order: Order, now: datetime, **changes: Any) -> Fill:
    row = {"order": order, "trade_id": str(order.pk), "venue_order_id": order.venue_order_id, "mode": MODE}
    row |= {"symbol": order.intent.symbol, "side": order.intent.side, "price": Decimal("100.5"), "quantity": Decimal(2)}
    return Fill.objects.create(**row | {"fee": Decimal("0.0804"), "at": now} | changes)


MODULES = (
    "data_feed",
    "universe",
    "models",
    "policy",
    "executor",
    "risk_guard",
    "exchange",
    "position_monitor",
    "trailing",
    "model_supervisor",
    "portfolio_balancer",
    "retraining_orchestrator",
    "database_validator",
    "self_healing",
    "scorekeeper",
)


def running(now: datetime) -> None:
    """Everything up, data fresh, four champions, nothing judged yet."""
    policy(now)
    universe(now)
    for symbol in SYMBOLS:
        candles(symbol, now)
    for kind in KINDS:
        champion(kind, now)
    for name in {*MODULES, *(one.name for one in expected())}:
        beat(name, now)


def no_trades(now: datetime) -> None:
    """198 signals in the last hour, 0 trades: 171 cooldowns, 11 too weak, 6 correlated, 8 too small, 2 unknown."""
    running(now)
    table = (
        [("cooldown", i) for i in range(171)] + [("low", i) for i in range(11)] + [("correlation", i) for i in range(6)]
        + [("small", i) for i in range(7)] + [("pending", i) for i in range(2)] + [("failed", 0)]
    )  # fmt: skip
    random.Random(5).shuffle(table)
    rows = iter(table)
    for back in range(57, -1, -1):  # 58 bars: none of them leaves the hour while a test runs
        many = 4 if back < 24 else 3
        of = cycle(now, back, flat=12 - many, signals=many)
        for k in range(many):
            kind, i = next(rows)
            side = "long" if (i + k) % 3 else "short"
            weak = 0.32 + (i % 8) / 100
            s = signal(of, SYMBOLS[(back + k * 5) % 12], side, weak if kind == "low" else 0.41 + (i % 9) / 100)
            if kind == "cooldown":
                rejected(s, cooldown(600 + 31 * i), *([correlated()] if i % 11 == 0 else []))
            elif kind == "low":
                rejected(s, low(weak))
            elif kind == "correlation":
                rejected(s, correlated(0.74 + i / 100))
            elif kind == "small":
                rejected(s, too_small())
            elif kind == "pending":
                decided(s, "pending", "TIMEOUT_UNKNOWN", "No answer for 5.0\u00a0s. The exchange has been asked twice.")
            else:
                decided(s, "failed", "EXCHANGE_REJECT", "Refused with -2019: Margin is insufficient.")


def holdings(now: datetime) -> list[Position]:
    """Four open positions: three confirmed, one whose stop was last seen 38 s ago; an account, and its day."""
    table = (
        ("BTC/USDT:USDT", "long", "0.120", "30214.5", "30318.4", "29942.0", "29760.4", "30895.7", "27470.1", 3),
        ("ETH/USDT:USDT", "long", "1.850", "1926.40", "1934.12", "1908.50", "1896.60", "1971.15", "1750.2", 3),
        ("SOL/USDT:USDT", "short", "62", "27.184", "27.402", "27.650", "27.961", "26.019", "29.79", 38),
        ("XRP/USDT:USDT", "long", "5400", "0.7412", "0.7446", "0.7318", "0.7255", "0.7647", "0.6731", 4),
    )
    made = []
    for i, (symbol, side, quantity, start, mark, stop, backstop, target, liquidation, ago) in enumerate(table):
        s = signal(cycle(now, 64 - i, flat=11, signals=1), symbol, side, 0.63)
        d = decided(s, "traded", sentence=f"{quantity} at {start}, stop placed 1.{i}\u00a0s after the fill.")
        seen = now - timedelta(seconds=ago)
        p = position(symbol, now, side=side, decision=d, opened_quantity=Decimal(quantity), quantity=Decimal(quantity),
                     entry_price=Decimal(start), mark_price=Decimal(mark), stop_price=Decimal(stop),
                     r=abs(Decimal(start) - Decimal(stop)), liquidation_price=Decimal(liquidation),
                     target_price=Decimal(target),
                     seconds_unprotected=0.9 + i / 4, trailing=i == 1)  # fmt: skip
        fill(entry(d, quantity=quantity, price=start), p.opened_at)
        guard(p, Intent.STOP, stop, seen)
        guard(p, Intent.BACKSTOP, backstop, seen)
        made.append(p)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    minutes = max(2, min(90, int((now - day).total_seconds() // 60)))
    for k in range(minutes):
        wave = 10440 + 22 * math.sin(k / 7) - 30 * math.sin(k / 23) ** 2 + 4 * math.sin(k * 1.9)
        snapshot(now - timedelta(minutes=minutes - 1 - k, seconds=2), wave)
    closed_trade("LTC/USDT:USDT", now)
    return made
