"""The settings' page: every setting, its source, who changed it; secrets unsaid; the control for those who may."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from monitoring.control import actions
from monitoring.control.permissions import OPERATOR, VIEWER, machine
from monitoring.show.settings import ABOUT
from quantum.config import Config, load
from tests.show import factories as make
from trading import tuning

pytestmark = pytest.mark.django_db
NBSP = "\u00a0"


def text(client: Client) -> str:
    answer = client.get("/settings/")
    assert answer.status_code == 200
    return answer.content.decode()


def row(page: str, name: str) -> str:
    found = re.search(rf'<tr data-key="{name}".*?</tr>', page, re.S)
    assert found, name
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0].replace(NBSP, " ")))


def test_every_setting_is_on_the_page_once_with_its_meaning(reader):
    page = text(reader)
    assert set(ABOUT) == set(Config.model_fields)
    for name in Config.model_fields:
        assert page.count(f'<tr data-key="{name}"') == 1
    assert "No limit is tuned: all 16 are as the environment or their defaults say." in page


def test_a_tuned_limit_says_who_when_why_and_what_the_environment_says(reader):
    actions.tune({"QT_RISK_PER_TRADE": "0.0025"}, "smaller for now", machine("olga"), timezone.now())
    page = text(reader)
    assert "1 of 16 limits is tuned." in page
    assert re.search(
        r"olga changed QT_RISK_PER_TRADE at \d\d:\d\d:\d\d; it is 0\.25.% now\. Reason: smaller for now\.", page
    )
    told = row(page, "QT_RISK_PER_TRADE")
    assert "0.25 % tuned the environment says 0.5 % 0.5 % above 0.0 % – 5.0 % a higher value olga" in told


def test_secrets_are_never_shown(reader, settings):
    settings.QUANTUM = load({"QT_API_KEY": "abcdef-key", "QT_API_SECRET": "s3cret-text", "REDIS_URL": "redis://u:pw@h"})
    page = text(reader)
    assert not any(secret in page for secret in ("abcdef-key", "s3cret-text", "pw@h"))
    assert "set, not shown environment" in row(page, "QT_API_KEY")


def test_the_control_is_for_those_who_may(client, reader):
    assert text(reader).count("data-control=") == len(tuning.TUNABLE)
    for name, roles, shown in (("vera", [VIEWER], 0), ("olga", [OPERATOR], len(tuning.TUNABLE))):
        client = Client()
        client.force_login(make.user(name, roles))
        assert text(client).count("data-control=") == shown


def test_the_page_asks_few_questions(reader, django_assert_max_num_queries):
    text(reader)
    with django_assert_max_num_queries(18):
        text(reader)
