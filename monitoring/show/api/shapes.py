"""Rows as the API shows them. Money stays Decimal here; `answers` writes it as a string."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from monitoring.show.held import Held, Protection, seconds_without, value
from monitoring.show.scene import Account, Pulse
from monitoring.watch.counterfactuals import Counterfactual
from monitoring.watch.data_quality import Quality
from monitoring.watch.evidence import Process
from monitoring.watch.funnel import Funnel
from monitoring.watch.probes.words import say
from trading.codes import MEANINGS, Code
from trading.models import (
    Candle,
    Cycle,
    Decision,
    Fill,
    Order,
    PolicyVersion,
    Position,
    Signal,
    Trade,
    UniverseSnapshot,
)

Row = dict[str, Any]


def signal(row: Signal) -> Row:
    return {
        "id": row.pk,
        "symbol": row.symbol,
        "side": row.side,
        "confidence": row.confidence,
        "threshold": row.threshold,
        "agreement": row.agreement,
        "votes": row.votes,
        "excluded": row.excluded,
        "price": row.price,
        "atr": row.atr,
        "r": row.r,
        "at": row.at,
        "mode": row.mode,
    }


def decision(row: Decision) -> Row:
    return {
        "id": row.pk,
        "signal": row.signal_id,
        "symbol": row.signal.symbol,
        "side": row.signal.side,
        "confidence": row.signal.confidence,
        "outcome": row.outcome,
        "code": row.code or None,
        "sentence": row.sentence,
        "rejections": [
            {k: no.get(k) for k in ("code", "value", "limit", "setting", "sentence")} for no in row.rejections
        ],
        "gates": row.gates,
        "rank": row.rank,
        "policy_version": row.policy.version if row.policy else None,
        "at": row.at,
        "settled_at": row.settled_at,
        "mode": row.mode,
    }


def decision_in_full(row: Decision) -> Row:
    return decision(row) | {"signal": signal(row.signal), "ticket": ticket(row.ticket)}


MONEY = ("quantity", "price", "r", "backstop_distance", "target_r", "risk", "notional", "margin")


def ticket(stored: Row) -> Row:
    """The order we wanted, its money without the zeros that reckoning left."""
    return {name: Decimal(v) if name in MONEY and v is not None else v for name, v in stored.items()}


def cycle(row: Cycle) -> Row:
    return {
        "id": row.pk,
        "timeframe": row.timeframe,
        "bar": row.bar,
        "at": row.at,
        "symbols": row.symbols,
        "evaluated": row.evaluated,
        "flat": row.flat,
        "facts": row.facts,
        "not_evaluated": row.not_evaluated,
        "absent": row.absent,
        "signals": row.signals,
        "policy_version": row.policy.version if row.policy else None,
        "called_by": row.called_by,
        "lag_ms": row.lag_ms,
        "took_ms": row.took_ms,
        "mode": row.mode,
    }


def funnel(seen: Funnel, now: datetime) -> Row:
    top = seen.dominant
    return {
        "since": seen.since,
        "until": seen.until,
        "bars": seen.bars,
        "symbols": seen.symbols,
        "evaluated": seen.evaluated,
        "flat": seen.flat,
        "not_evaluated": seen.not_evaluated,
        "symbols_not_evaluated": dict(seen.spread.absent),
        "signals": seen.signals,
        "symbols_with_signals": seen.spread.signals,
        "traded": seen.law.traded,
        "failed": seen.law.failed,
        "pending": seen.law.pending,
        "rejected": seen.law.rejected,
        "by_code": seen.by_code,
        "symbols_by_code": {reason.code: reason.symbols for reason in seen.reasons},
        "failed_by_code": seen.failed_by_code,
        "dominant": {"code": top.code, "n": top.n, "sentence": top.sentence, "setting": top.setting} if top else None,
        "law_holds": seen.law_holds,
        "as_of": seen.as_of or now,
    }


def protection(guard: Protection | None, held: Held, now: datetime, *, stop: bool) -> Row | None:
    if guard is None:
        return None
    age = (now - guard.verified_at).total_seconds() if guard.verified_at else None
    row: Row = {
        "price": guard.price,
        "order": guard.order_id,
        "order_id": guard.venue_order_id,
        "client_order_id": guard.client_order_id,
        "kind": guard.type,
        "triggered": guard.triggered,
        "verified_at": guard.verified_at,
    }
    if stop:
        row |= {
            "verified_age_s": round(age, 3) if age is not None else None,
            "seconds_unprotected": round(seconds_without(held, now), 3),
            "reduce_only": guard.reduce_only,
            "matches_quantity": guard.covers(held.quantity),
        }
    return row


def position(row: Position, held: Held, now: datetime) -> Row:
    money = value(held, held.mark, held.mark_at or now) if held.mark is not None and row.quantity else None
    return {
        "id": row.pk,
        "symbol": row.symbol,
        "side": row.side,
        "status": row.status,
        "quantity": row.quantity,
        "opened_quantity": row.opened_quantity,
        "notional": money.notional if money else None if row.quantity else row.quantity,
        "leverage": row.leverage,
        "margin_mode": row.margin_mode,
        "entry_price": row.entry_price,
        "mark_price": row.mark_price,
        "mark_at": row.mark_at,
        "liquidation_price": row.liquidation_price,
        "unrealized_pnl": money.unrealized if money else None if row.quantity else row.quantity,
        "realized_pnl": row.realized,
        "r": round(float(money.in_r), 4) if money else None,
        "fees": row.fees,
        "funding": row.funding,
        "opened_at": row.opened_at,
        "expires_at": row.expires_at,
        "closed_at": row.closed_at,
        "close_reason": row.close_reason or None,
        "target_price": row.target_price,
        "trailing": row.trailing,
        "decision": row.decision_id,
        "seconds_unprotected": round(seconds_without(held, now), 3),
        "seconds_outage": row.seconds_outage,
        "stop": protection(held.stop, held, now, stop=True),
        "backstop": protection(held.backstop, held, now, stop=False),
        "mode": row.mode,
    }


def order(row: Order) -> Row:
    intent = row.intent
    return {
        "id": row.pk,
        "client_order_id": intent.client_order_id,
        "venue_order_id": row.venue_order_id or None,
        "symbol": intent.symbol,
        "kind": intent.kind,
        "side": intent.side,
        "type": intent.type,
        "status": row.status,
        "quantity": intent.quantity,
        "price": intent.price,
        "trigger": intent.trigger,
        "reduce_only": intent.reduce_only,
        "close_position": intent.close_position,
        "filled": row.filled,
        "average_price": row.average_price,
        "error_code": row.error_code,
        "error": row.error or None,
        "reason": intent.reason or None,
        "requester": intent.requester or None,
        "decision": intent.decision_id,
        "position": intent.position_id,
        "created_at": intent.created_at,
        "sent_at": row.sent_at,
        "updated_at": row.updated_at,
        "verified_at": row.verified_at,
        "mode": row.mode,
    }


def fill(row: Fill) -> Row:
    return {
        "id": row.pk,
        "trade_id": row.trade_id,
        "order": row.order_id,
        "venue_order_id": row.venue_order_id,
        "position": row.position_id,
        "symbol": row.symbol,
        "side": row.side,
        "price": row.price,
        "quantity": row.quantity,
        "fee": row.fee,
        "realized": row.realized,
        "maker": row.maker,
        "at": row.at,
        "mode": row.mode,
    }


def trade(row: Trade) -> Row:
    return {
        "id": row.pk,
        "position": row.position_id,
        "symbol": row.symbol,
        "side": row.side,
        "quantity": row.quantity,
        "entry_price": row.entry_price,
        "exit_price": row.exit_price,
        "gross": row.gross,
        "fees": row.fees,
        "funding": row.funding,
        "net": row.net,
        "r": row.r_multiple,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "close_reason": row.close_reason,
        "mode": row.mode,
    }


def account(seen: Account | None, now: datetime) -> Row:
    """Nothing known is null, never 0."""
    names = ("equity", "balance", "available", "margin_used", "unrealized")
    if seen is None:
        today = ("realized_today", "fees_today", "funding_today", "daily_loss_used", "daily_loss_limit", "drawdown")
        return dict.fromkeys((*names, *today)) | {"mode": settings.QUANTUM.mode, "as_of": None}
    return {name: getattr(seen, name) for name in names} | {
        "realized_today": seen.realized_today,
        "fees_today": seen.fees_today,
        "funding_today": seen.funding_today,
        "daily_loss_used": round(float(seen.loss_used), 6),
        "daily_loss_limit": float(seen.loss_limit),
        "drawdown": round(float(seen.drawdown), 6) if seen.drawdown is not None else None,
        "mode": settings.QUANTUM.mode,
        "as_of": seen.at,
    }


def counterfactual(one: Counterfactual) -> Row:
    return {
        "code": one.code,
        "n": one.n,
        "unknown": one.unknown,
        "mean_r": one.mean_r,
        "ci_low": one.ci_low,
        "ci_high": one.ci_high,
        "verdict": one.verdict,
    }


def policy(row: PolicyVersion | None, now: datetime) -> Row:
    if row is None:
        names = ("regime", "volatility", "min_confidence", "size_factor", "entries_allowed", "version", "since", "why")
        return dict.fromkeys(names) | {"as_of": None}
    return {
        "regime": row.regime,
        "volatility": row.volatility,
        "min_confidence": row.min_confidence,
        "size_factor": row.size_factor,
        "entries_allowed": row.entries_allowed,
        "version": row.version,
        "since": row.since,
        "why": row.why,
        "facts": row.facts,
        "as_of": now,
    }


def module(pulse: Pulse) -> Row:
    """Its beats, and its line of the truth table: configured, built, called, effect."""
    state = pulse.state if pulse.state and pulse.state.last_tick else None  # a row without a tick measured nothing
    truth, seen, calls = pulse.truth, pulse.truth.seen, pulse.truth.seen.calls
    due = seen.due
    return {
        "name": pulse.name,
        "title": pulse.title,
        "status": truth.status.value,
        "alarm": truth.alarm,
        "why": say(truth.code, truth.params),
        "configured": truth.configured,
        "built": truth.built,
        "called": {
            "ticks": calls.own,
            "expected": calls.expected,
            "share": round(calls.share, 4) if calls.share is not None else None,
            "window_s": round(calls.window.total_seconds(), 1),
            "by": dict(calls.by),
        },
        "effect": {
            "examined": calls.examined,
            "actions": calls.actions,
            "idle": calls.idle,
            "errors": calls.errors,
            "asked": due.asked if due else None,
            "done": due.done if due else None,
            "of": due.code if due else None,
        },
        "process": seen.runner,
        "build": (state.build or None) if state else None,
        "code": (state.code or None) if state else None,
        "config_hash": (state.config_hash or None) if state else None,
        "liveness": pulse.alive,
        "last_tick": state.last_tick if state else None,
        "last_work": state.last_work if state else None,
        "examined": state.examined if state else None,
        "actions": state.actions if state else None,
        "failed": state.failed if state else None,
        "idle_reason": (state.idle_reason or None) if state else None,
        "last_error": (state.last_error or None) if state else None,
        "last_error_at": state.last_error_at if state else None,
        "called_by": (state.called_by or None) if state else None,
        "every_s": pulse.every.total_seconds(),
        "lag_ms": state.lag_ms if state else None,
        "lag_s": state.lag_ms / 1000 if state else None,
    }


def process(row: Process, alive: str, odd: Collection[str]) -> Row:
    """One process's heartbeat; `odd` names what it runs otherwise than the web process: code, config."""
    return {
        "name": row.name,
        "host": row.host,
        "pid": row.pid,
        "liveness": alive,
        "build": row.build,
        "code": row.code,
        "config_hash": row.config_hash,
        "differs": sorted(odd),
        "started_at": row.started_at,
        "beat_at": row.beat_at,
        "work_at": row.work_at,
        "works": row.works,
        "doing": row.doing or None,
        "doing_since": row.doing_since,
        "lag_ms": row.lag_ms,
        "broken": dict(row.broken),
    }


def candle(row: Candle) -> Row:
    return {
        "open_time": row.open_time,
        "open": row.open,
        "high": row.high,
        "low": row.low,
        "close": row.close,
        "volume": row.volume,
    }


def universe(
    snapshot: UniverseSnapshot | None, closed: Mapping[str, datetime], wrong: Mapping[str, str], now: datetime
) -> Row:
    """`wrong`: what is wrong with the data of those that are in."""
    if snapshot is None:
        return {"symbols": [], "snapshot_at": None, "age_s": None, "as_of": None}
    rows = []
    for entry in snapshot.symbols:
        at = closed.get(entry["symbol"])
        rows.append(
            {
                "symbol": entry["symbol"],
                "tier": entry.get("tier"),
                "rank": entry.get("rank"),
                "last_candle_at": at,
                "age_s": round((now - at).total_seconds(), 1) if at else None,
                "status": entry.get("status"),
                "why": wrong.get(entry["symbol"], entry.get("why")) if is_in(entry) else entry.get("why"),
            }
        )
    return {
        "symbols": rows,
        "snapshot_at": snapshot.at,
        "age_s": round((now - snapshot.at).total_seconds(), 1),
        "source": snapshot.source,
        "as_of": snapshot.at,
    }


def is_in(entry: Mapping[str, Any]) -> bool:
    return entry.get("status") == "in"


def data_quality(seen: Quality, now: datetime) -> Row:
    clock = seen.clock
    return {
        "clock": clock
        and {
            "offset_ms": clock.offset_ms,
            "round_trip_ms": clock.round_trip_ms,
            "state": clock.state(now),
            "measured_at": clock.at,
        },
        "gaps": [
            {
                "symbol": gap.symbol,
                "first": gap.first,
                "last": gap.last,
                "missing": gap.missing,
                "found_at": gap.found_at,
                "asked": gap.asked,
            }
            for gap in seen.gaps
        ],
        "open_gaps": seen.open_gaps,
        "filled_gaps": seen.filled,
        "refused": [
            {
                "kind": one.kind,
                "count": one.count,
                "symbols": one.symbols,
                "fields": dict(one.fields),
                "put_aside": not one.used,
                "last_seen": one.last,
            }
            for one in seen.refused
        ],
        "lacking": [
            {"symbol": symbol, "code": lack.get("code"), "value": lack.get("value"), "limit": lack.get("limit")}
            for symbol, lack in sorted(seen.lacking.items())
        ],
        "frozen": seen.frozen,
        "paused": seen.paused,
        "bar": seen.bar,
        "as_of": now,
    }


def rejection_code(code: Code) -> Row:
    meaning = MEANINGS.get(code)
    return {
        "code": code.value,
        "stage": meaning.stage if meaning else None,
        "title": meaning.title if meaning else None,
        "sentence": meaning.sentence if meaning else None,
        "setting": (meaning.setting or None) if meaning else None,
        "fix": meaning.fix if meaning else None,
    }
