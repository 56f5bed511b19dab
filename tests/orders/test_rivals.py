"""Two processes that want into one symbol at the same moment."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests import builders
from tests.builders import NOW
from trading.models import Order
from trading.orders import sender


@pytest.mark.django_db(transaction=True)
def test_of_many_entries_into_one_symbol_at_once_one_leaves():
    wanted = [
        builders.intent(decision=builders.decision(), expires_at=NOW + timedelta(seconds=30)).pk for _ in range(6)
    ]
    gate, outcomes = threading.Barrier(len(wanted)), []

    def claim(intent: int) -> None:
        gate.wait()
        try:
            outcomes.append(sender.claim(intent, NOW).pk)
        except sender.NotSent as no:
            outcomes.append(no.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(pk,)) for pk in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(wanted)
    assert Order.objects.count() == 1
