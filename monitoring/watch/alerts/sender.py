"""One message to one channel, by apprise, inside the fence."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.utils import translation

from monitoring.models import Alert, AlertDelivery
from monitoring.watch.alerts import words
from monitoring.watch.alerts.guarded import fenced
from quantum.channels import Channel

TIMEOUT = 5.0  # seconds for a connection, and again for an answer


def send(channel: str, due: Sequence[AlertDelivery]) -> str:
    """What went wrong, without the address; empty where it was taken."""
    config = settings.QUANTUM
    where = {one.name: one for one in config.alert_channels}.get(channel)
    if where is None:
        return "the channel is not set any more"
    with translation.override("en"):
        subject, body = words.message(due, config.mode, f"http://127.0.0.1:{config.PORT}")
    urgent = any(one.alert.severity == Alert.PAGE and one.kind == AlertDelivery.BEGUN for one in due)
    return post(where, subject, body, urgent, config.alert_hosts)


def post(where: Channel, subject: str, body: str, urgent: bool, own_hosts: frozenset[str]) -> str:
    """Apprise answers yes or no, and says why in its log: that is caught, and cleaned of the address."""
    import apprise

    service = apprise.Apprise.instantiate(where.url)
    if not isinstance(service, apprise.NotifyBase):
        return "apprise can't read the address"
    service.overflow_mode = apprise.OverflowMode.SPLIT  # what is longer than the channel takes comes in parts
    service.socket_connect_timeout = service.socket_read_timeout = TIMEOUT
    kind = apprise.NotifyType.FAILURE if urgent else apprise.NotifyType.INFO
    with Overheard() as said, fenced(own_hosts):
        try:
            taken = service.notify(body=body, title=subject, notify_type=kind)
        except Exception as error:  # noqa: BLE001 - whatever a channel runs into, the others are still to be told
            return cleaned(f"{type(error).__name__}: {error}", where)
    return "" if taken else cleaned(said.last or "it was not taken", where)


def cleaned(text: str, where: Channel) -> str:
    """Without the address or a part of it that could be a secret."""
    for part in sorted({where.url, *where.url.replace("/", " ").replace(":", " ").replace("@", " ").split()}, key=len)[
        ::-1
    ]:
        if len(part) >= 6 and part != where.scheme:
            text = text.replace(part, "...")
    return " ".join(text.split())[:300]


class Overheard(logging.Handler):
    """The last thing that apprise complained about."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.last = ""
        self.log = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or "ERROR" in record.getMessage():
            self.last = record.getMessage()

    def __enter__(self) -> Overheard:
        self.log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.log.removeHandler(self)
