"""No headline is fine while the module is silent on whose work it rests."""

from datetime import timedelta

import pytest

from monitoring.models import Incident
from monitoring.show import mending, silence
from monitoring.show.panels import PANELS, render
from monitoring.show.scene import Scene
from quantum.config import load
from tests.show import factories as make

pytestmark = pytest.mark.django_db
HOURS = 3 * 3600.0
RESTS_ON = {
    "incidents_said": ("self_healing", "Self-healing has not looked for more than a minute."),
    "models_said": ("model_supervisor", "the supervisor is silent"),
    "policy_said": ("policy", "The market is not being measured; the newest policy asks for 0."),
    "universe_said": ("universe", "the universe is not being read"),
    "alerts_said": ("notifier", "The notifier is silent: nobody is told of anything new"),
}


@pytest.fixture
def told(now, settings):
    settings.QUANTUM = load({"QT_ALERT_URLS": "jsons://hooks.example.com/q"})
    make.running(now)
    return lambda name: render([name], now, Scene(now))[0].html.replace("\u00a0", " ")


def fine(html: str) -> bool:
    return 'data-tone="ok"' in html or '<h1 class="verdict-line"><svg class="shape ok"' in html


@pytest.mark.parametrize(("panel", "module", "words"), [(panel, *found) for panel, found in RESTS_ON.items()])
@pytest.mark.parametrize("ails", [{"ago": HOURS, "worked": HOURS}, {"worked": HOURS, "failing": True}])
def test_what_rests_on_a_silent_module_is_not_fine(told, now, panel, module, words, ails):
    assert fine(told(panel))
    error = {"last_error": "OSError: gone", "last_error_at": now} if ails.get("failing") else {}
    make.beat(module, now, ails.get("ago", 4), ails["worked"], **error)
    html = told(panel)
    assert not fine(html)
    assert words in html


def test_a_pause_of_a_minute_is_no_silence(told, now):
    make.beat("notifier", now, ago=59)
    assert fine(told("alerts_said"))
    make.beat("notifier", now, ago=61)
    assert not fine(told("alerts_said"))


def test_who_is_due_seldom_may_be_silent_for_longer(now):
    make.beat("model_supervisor", now, ago=600)
    assert not silence.silent(Scene(now), "model_supervisor")
    make.beat("model_supervisor", now, ago=1000)
    assert silence.silent(Scene(now), "model_supervisor")


@pytest.mark.parametrize(("ago", "shape"), [(31, "ok"), (60, "ok"), (61, "unknown"), (HOURS, "unknown")])
def test_self_healing_that_ticks_and_does_not_look_is_silent_too(now, ago, shape):
    why = "nothing worse than low is open; the next look is in 0 s"
    make.beat("self_healing", now, ago=2, worked=ago, idle_reason=why)
    shown, sentence, rest = mending.headline(Scene(now))
    assert shown == shape
    assert ("No incident was open then" in rest) is (shape == "unknown")
    assert "Entries are allowed." in rest


def test_self_healing_that_is_due_seldom_may_look_seldom(now, settings):
    settings.QUANTUM = load({"QT_CRITICAL_CHECK_INTERVAL": "60"})
    make.beat("self_healing", now, worked=149)
    assert mending.headline(Scene(now))[0] == "ok"
    make.beat("self_healing", now, worked=151)
    assert mending.headline(Scene(now))[0] == "unknown"


def test_what_was_open_when_self_healing_fell_silent_stays_the_headline(now):
    Incident.objects.create(key="k", code="FEED_STALE", subsystem="data_feed", severity="critical", first_seen=now,
                            last_seen=now, impacts_trading=True, params={})  # fmt: skip
    make.beat("self_healing", now, ago=HOURS, worked=HOURS)
    shape, sentence, rest = mending.headline(Scene(now))
    assert (shape, sentence) == ("fail", "All candles are old.")
    assert "What has happened since self-healing last looked is not known." in rest


@pytest.mark.parametrize("panel", ["incidents", "problems"])
def test_no_list_says_that_nothing_is_open_while_nobody_looks(told, now, panel):
    assert "No open incident." in told(panel)
    make.beat("self_healing", now, ago=HOURS, worked=HOURS)
    assert "No open incident." not in told(panel)
    assert "A fault since then is not listed." in told(panel)


@pytest.mark.parametrize("panel", ["incidents_said", "modules_said", "universe_said", "verdict"])
def test_a_headline_tells_the_browser_when_it_is_old(told, now, panel):
    make.cycle(now)
    seconds = PANELS[panel].limit() / timedelta(seconds=1)
    assert f'data-limit="{seconds}"' in told(panel).split(">")[0]


@pytest.mark.parametrize("panel", ["alerts_said", "alerts", "alert_laws"])
def test_alerts_are_as_old_as_the_notifiers_last_look(told, now, panel):
    make.beat("notifier", now, ago=HOURS)
    assert 'data-age="stale"' in told(panel)
