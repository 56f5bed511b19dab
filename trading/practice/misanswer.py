"""What a fault makes of a request's answer: one in the exchange's place, or what becomes of its own. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from trading.practice.faults import Fault
from trading.practice.values import Answer

Errors = Callable[[int], tuple[int, str]]
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
SLOW = 5  # seconds of silence after 429, where the fault does not say
BANNED = 120  # and after 418: the venue's shortest ban


def instead(fault: Fault, errors: Errors, now: int) -> Answer | None:
    """What is answered without asking the exchange at all, or None where it is asked."""
    params = fault.params
    if fault.kind == "http_status":
        status, body = params.get("status", 503), params.get("body")
        return Answer(status, body if body is not None else {"code": -1000, "msg": f"Injected HTTP status {status}."})
    if fault.kind in ("error_code", "reject_stop"):
        return _refusal(params.get("code", -4045), errors, params.get("status"), params.get("message"))
    if fault.kind == "rate_limit":
        silence = _silence(fault, SLOW, now)
        answer = _refusal(-1003, errors, 429)
        return Answer(answer.status, answer.body, {"Retry-After": str(silence)})
    if fault.kind == "ban":
        silence = _silence(fault, BANNED, now)
        until = fault.until or now + silence * 1000
        words = f"Way too many requests; IP(127.0.0.1) banned until {until}. Please use the websocket for live updates."
        return Answer(418, {"code": -1003, "msg": words}, {"Retry-After": str(silence)})
    if fault.kind == "key_revoked":
        return _refusal(-2015, errors)
    if fault.kind == "timeout_before" or not params.get("executed", True):
        return afterwards(fault, Answer(200, {}), errors)
    return None


def afterwards(fault: Fault, answer: Answer, errors: Errors) -> Answer:
    """What is told of a request that the exchange has worked on: its own answer, late, torn, or none."""
    params = fault.params
    if fault.kind in ("timeout_before", "timeout_after"):
        if not params.get("answered", True):
            return Answer(0, None, delay=float(params.get("seconds", 0)), reset=True)
        told = _refusal(-1007, errors)
        return Answer(told.status, told.body, delay=float(params.get("seconds", 0)))
    if fault.kind == "delay":
        return Answer(answer.status, answer.body, answer.headers, float(params.get("seconds", 1)))
    if fault.kind == "reset_after":
        return Answer(0, None, reset=True)
    if fault.kind == "garbage_body":
        return Answer(params.get("status", 200), params.get("body", _torn(answer.body)))
    if fault.kind == "html_body":
        return Answer(params.get("status", 200), params.get("body", HTML))
    return answer


def _refusal(code: int, errors: Errors, status: int | None = None, message: str | None = None) -> Answer:
    usual, words = errors(code)
    return Answer(usual if status is None else status, {"code": code, "msg": words if message is None else message})


def _silence(fault: Fault, usual: int, now: int) -> int:
    """Whole seconds that the venue wants to hear nothing: its own parameter, or what is left of the fault."""
    left = usual if fault.until is None else max(1, -(-(fault.until - now) // 1000))
    return int(fault.params.get("seconds", left))


def _torn(body: Any) -> str:
    """The first half of what would have been answered."""
    text = json.dumps(body, separators=(",", ":"))
    return text[: max(1, len(text) // 2)]
