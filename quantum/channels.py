"""Where alerts go: addresses as apprise writes them, judged by their shape, named without their secrets. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, time
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECURE = (
    "discord", "gotifys", "jsons", "mailtos", "matrixs", "msteams", "ntfys", "opsgenie", "pagerduty", "pover",
    "rockets", "slack", "tgram", "workflows", "xmls",
)  # fmt: skip
PLAIN = ("json", "mailto", "gotify", "ntfy", "xml")  # without TLS: only to hosts that are named as our own
MOST = 10


@dataclass(frozen=True, slots=True)
class Channel:
    """One address. `name` is shown and stored; the address itself never is."""

    name: str
    scheme: str
    url: str

    def __repr__(self) -> str:
        return f"Channel({self.name})"


def parse(text: str, own_hosts: frozenset[str] = frozenset()) -> tuple[tuple[Channel, ...], list[str]]:
    """A setting's channels, separated by blanks or line ends, and what is wrong with them, without their secrets."""
    found: dict[str, Channel] = {}
    wrong = []
    for number, url in enumerate(text.split(), 1):
        scheme, there, _ = url.partition("://")
        if problem := judge(scheme.lower(), bool(there), url, own_hosts):
            wrong.append(f"address {number} {problem}")
            continue
        channel = Channel(f"{scheme.lower()}-{hashlib.sha256(url.encode()).hexdigest()[:6]}", scheme.lower(), url)
        found[channel.name] = channel
    if len(found) > MOST:
        wrong.append(f"{len(found)} addresses are more than the {MOST} that are told one after another")
    return tuple(found.values()), wrong


def judge(scheme: str, whole: bool, url: str, own_hosts: frozenset[str]) -> str:
    """What is wrong with one address; empty where nothing is."""
    if not whole:
        return "has no scheme such as mailtos://"
    if scheme not in SECURE + PLAIN:
        return f"begins with {scheme[:20]}://, which is none of {', '.join(f'{one}://' for one in SECURE + PLAIN)}"
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return "can't be read"
    if not host:
        return "names nobody"
    if scheme in PLAIN and host not in own_hosts:
        return f"begins with {scheme}://, which is sent in the clear: only to hosts listed in QT_ALERT_OWN_HOSTS"
    return ""


def quiet_hours(text: str) -> tuple[time, time]:
    """ "22:00-07:00" as two clock times; empty: none. Raises ValueError that says what was wrong."""
    if not text:
        return time(0), time(0)
    try:
        begins, ends = (datetime.strptime(part.strip(), "%H:%M").time() for part in text.split("-"))  # noqa: DTZ007
    except ValueError:
        raise ValueError("must look like 22:00-07:00") from None
    return begins, ends


def zone_problem(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "is no time zone such as Europe/Oslo"
    return ""
