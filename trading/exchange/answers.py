"""What a client library's error knows of the venue's answer: its status and body, the silence that it asks for.

The errors carry `answer` and `retry_after` where there was an answer at all.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from trading.exchange.errors import Answer, Silenced, VenueError, classify
from trading.exchange.quiet import TOO_MANY

BANNED_UNTIL = re.compile(r"banned until (\d{13})")


def failure(error: Exception, what: str) -> VenueError:
    """What an error of a read or a stream stands for."""
    return classify(answer_of(error), write=False, what=what)


def silence(error: Exception, what: str, now: datetime) -> Silenced | None:
    """What a 429 or 418 asks for: its Retry-After, the end of the ban that its text names, or a guess."""
    answer, wait = answer_of(error), getattr(error, "retry_after", None)
    if answer.status not in (418, 429):
        return None
    banned, text = answer.status == 418, answer.error[1]
    if wait is None and banned:
        wait = _until_ban_ends(text, now)
    wait = (120.0 if banned else 5.0) if wait is None else wait
    said = f"{what}: {text or 'too many requests'} (HTTP {answer.status}), {wait:.0f} s of silence"
    return Silenced(said, TOO_MANY, wait, banned=banned)


def _until_ban_ends(text: str, now: datetime) -> float | None:
    """Seconds until the moment that the ban's own text names, where it names one."""
    found = BANNED_UNTIL.search(text)
    return max(0.0, int(found[1]) / 1000 - now.timestamp()) if found else None


def retry_after(headers: Any) -> float | None:
    """Seconds that the answer's Retry-After names, where it names any."""
    value = next((v for k, v in dict(headers or {}).items() if k.lower() == "retry-after"), "")
    return float(value) if value.isdigit() else None


def answer_of(error: Exception) -> Answer:
    """What an error knows of the HTTP answer; without one, whether anything can have left us."""
    known = getattr(error, "answer", None)
    return known or Answer(sent=not _never_connected(error))


def _never_connected(error: BaseException) -> bool:
    """Connection refused, or timed out before a byte was sent. requests and aiohttp name the cause differently."""
    cause: Any = error.__cause__
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return (
        isinstance(reason, NewConnectionError | ConnectTimeoutError) or type(cause).__name__ == "ClientConnectorError"
    )
