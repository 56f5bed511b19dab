"""Rows for tests: the smallest legal ones, changed by keyword."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from trading.models import Cycle, Decision, Intent, Order, Position, Signal, TrimProposal, TrimRequest

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_number = count(1)


def cycle(**changes: Any) -> Cycle:
    n = next(_number)
    row = {"timeframe": "1m", "bar": NOW + timedelta(minutes=n), "at": NOW, "symbols": 1, "evaluated": 1, "signals": 1}
    return Cycle.objects.create(**row | {"mode": "practice"} | changes)


def signal(**changes: Any) -> Signal:
    row = {"symbol": "BTC/USDT:USDT", "side": "long", "confidence": 0.4, "threshold": 0.32, "agreement": 1.0}
    row |= {"price": Decimal(100), "atr": 1.0, "r": 1.5, "at": NOW, "mode": "practice"}
    return Signal.objects.create(**row | ({} if "cycle" in changes else {"cycle": cycle()}) | changes)


def decision(**changes: Any) -> Decision:
    row = {"outcome": "pending", "at": NOW, "mode": "practice"}
    return Decision.objects.create(**row | ({} if "signal" in changes else {"signal": signal()}) | changes)


def intent(**changes: Any) -> Intent:
    row = {"client_order_id": f"t-{next(_number)}", "kind": "entry", "symbol": "BTC/USDT:USDT", "side": "buy"}
    row |= {"type": "MARKET", "quantity": Decimal(1), "created_at": NOW, "mode": "practice"}
    return Intent.objects.create(**row | changes)


def order(**changes: Any) -> Order:
    row = {"sent_at": NOW, "updated_at": NOW, "mode": "practice"}
    return Order.objects.create(**row | changes)


def position(**changes: Any) -> Position:
    row = {"symbol": "BTC/USDT:USDT", "side": "long", "opened_quantity": Decimal(1), "quantity": Decimal(1)}
    row |= {"entry_price": Decimal(100), "leverage": 3, "margin_mode": "isolated", "r": Decimal("1.5")}
    row |= {"opened_at": NOW, "expires_at": NOW + timedelta(hours=1), "mode": "practice"}
    return Position.objects.create(**row | changes)


def trim(position: Position, **changes: Any) -> TrimProposal:
    """A proposal to close two fifths of a position."""
    row = {"symbol": position.symbol, "why": "CORRELATED", "share": 0.4, "quantity": position.quantity * 2 / 5}
    row |= {"value": 0.9, "limit": 0.7, "setting": "QT_MAX_CORRELATION", "proposed_at": NOW, "seen_at": NOW}
    row |= {"after": {"leverage": 0.5, "risk_share": 0.01}, "facts": {"joint_risk": 0.02, "other": "ETH/USDT:USDT"}}
    return TrimProposal.objects.create(position=position, **row | {"mode": "practice"} | changes)


def trim_request(position: Position, **changes: Any) -> TrimRequest:
    """A trim that somebody asked for."""
    proposal = changes.pop("proposal", None) or trim(position, state="accepted", ended_at=NOW)
    row = {"quantity": proposal.quantity, "before": position.quantity, "requested_by": "anna", "requested_at": NOW}
    return TrimRequest.objects.create(proposal=proposal, position=position, **row | changes)
