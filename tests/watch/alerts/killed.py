"""The notifier, killed again and again while it sends: `python -m tests.watch.alerts.killed KILLS` prints its tally.

Every round has one more alert. A child sends what is due and is killed at a moment that a seed decides; at the end one
child is left alone. What was never sent is still waiting: the caller counts what its receiver took.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from datetime import timedelta


def main(kills: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections
    from django.utils import timezone

    from monitoring.models import AlertDelivery
    from monitoring.watch.alerts import outbox
    from monitoring.watch.alerts.routing import Habits
    from monitoring.watch.alerts.sender import send
    from monitoring.watch.alerts.sources import Wanted

    call_command("migrate", verbosity=0)
    channels = [one.name for one in settings.QUANTUM.alert_channels]
    moment = random.Random(7)
    wanted: list[Wanted] = []

    def deliver() -> None:
        while AlertDelivery.objects.filter(sent_at=None).exists():
            outbox.deliver(channels, send, timezone.now() + timedelta(hours=1), timezone.now)

    struck = 0
    for number in range(kills + 1):
        now = timezone.now()
        wanted.append(Wanted(f"test:{number}", "page", "TEST", "operator", "/", now))
        outbox.settle(wanted, channels, Habits(timedelta(0)), now)
        connections.close_all()
        child = os.fork()
        if child == 0:
            deliver()
            os._exit(0)
        if number < kills:
            time.sleep(moment.random() * 0.12)
            os.kill(child, signal.SIGKILL)
        struck += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    waiting = AlertDelivery.objects.filter(sent_at=None).count()
    keys = [row.dedup for row in AlertDelivery.objects.all()]
    print(json.dumps({"keys": keys, "waiting": waiting, "killed": struck}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
