"""The health page: every probe is shown with its answer; the score's way and its changes are told."""

from datetime import timedelta

import pytest

from monitoring.models import HealthScore
from monitoring.watch import history
from monitoring.watch.probes import PROBES
from tests.show import factories as make

pytestmark = pytest.mark.django_db


def test_every_probe_is_asked_on_the_page(reader, now):
    make.running(now)
    html = reader.get("/health/").content.decode()
    assert all(f'data-key="{probe.key}"' in html for probe in PROBES)
    assert "The first scores are kept within a minute of the start." in html


def test_what_changed_since_is_told_with_its_reason(reader, now):
    make.running(now)
    card = history.measure(now - timedelta(minutes=5))
    history.store(card)
    HealthScore.objects.update(at=now - timedelta(minutes=5))
    history.store(history.measure(now - timedelta(minutes=1)))
    make.switch("halted", now)
    html = reader.get("/health/").content.decode()
    assert "Not drawn" not in html
    assert 'data-panel="score_changes"' in html and 'data-panel="score_history"' in html
    assert "The first scores are kept" not in html


def test_the_page_asks_few_questions(reader, now, django_assert_max_num_queries):
    make.running(now)
    reader.get("/health/")
    with django_assert_max_num_queries(53):
        reader.get("/health/")
