"""The modules' page: every module with what it did, the worst first; processes by what only they can have done."""

import re
from datetime import timedelta

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from monitoring.show import machinery
from monitoring.show.scene import Scene
from monitoring.watch.probes import rows as probing
from tests.show import factories as make
from tests.show.test_pages import text
from trading import calls, schedule
from trading.models import ProcessState
from trading.runtime import Report

pytestmark = pytest.mark.django_db


def planned(name="ledger_keeper", title="Ledger Keeper", every=30, **changes):
    interval, _ = IntervalSchedule.objects.get_or_create(every=every, period=IntervalSchedule.SECONDS)
    row = {"task": "trading.tick", "interval": interval, "description": title}
    return PeriodicTask.objects.create(name=schedule.PREFIX + name, **row | changes)


def all_up(now):
    make.running(now)
    for run in machinery.runs(Scene(now)):
        make.beat(run.pulse.name, now)


def test_a_module_that_is_scheduled_anywhere_has_a_line_by_itself(reader, now):
    all_up(now)
    task = planned()
    html = reader.get("/modules/").content.decode()
    line = re.search(r'<tr data-key="ledger_keeper".*?</tr>', html, re.DOTALL)[0]
    assert "Ledger Keeper" in line
    assert "never ran" in line
    assert f"/admin/django_celery_beat/periodictask/{task.pk}/change/" in line
    assert ">30\u00a0s</a>" in line


def test_the_interval_is_the_one_that_was_edited(reader, now):
    all_up(now)
    planned("executor", every=45)
    assert 'data-key="executor"' in (html := reader.get("/modules/").content.decode())
    line = re.search(r'<tr data-key="executor".*?</tr>', html, re.DOTALL)[0]
    assert ">45\u00a0s</a>" in line


def test_the_worst_comes_first_and_is_the_headline(reader, now):
    all_up(now)
    make.beat("universe", now, ago=4000, worked=4000)
    html = reader.get("/modules/").content.decode()
    assert re.findall(r'<tr data-key="(\w+)"', html)[0] == "universe"
    assert "<h1>Universe OS: down.</h1>" in html


def test_when_all_are_up_the_page_says_so(reader, now):
    all_up(now)
    n = len(machinery.runs(Scene(now)))
    assert f"All {n} modules are called and do their work." in text(reader.get("/modules/"))


def test_an_error_of_the_newest_tick_is_told_and_an_old_one_stays_behind_the_idle_reason(reader, now):
    all_up(now)
    make.beat("executor", now, last_error="KeyError: 'mark'", last_error_at=now)
    make.beat(
        "trailing", now, idle_reason="4 stops, 0 moved", last_error="Timeout", last_error_at=now - timedelta(hours=1)
    )
    html = reader.get("/modules/").content.decode()
    assert re.search(r'data-key="executor".*?class="fail">Its tick failed .{1,20} ago: KeyError', html, re.DOTALL)
    assert re.search(r'data-key="trailing".*?4 stops, 0 moved<span class="second">Last error', html, re.DOTALL)
    assert "Event Driven Executor: failing." in html


def test_a_fresh_house_says_that_nothing_was_called(reader):
    page = text(reader.get("/modules/"))
    assert "No module has been called yet." in page
    assert "nothing seen yet" in page
    assert "0 examined" not in page


def test_processes_are_judged_by_their_own_heartbeats(now):
    all_up(now)
    make.hearts(now, stream=600, beat=10)
    make.snapshot(now - timedelta(seconds=4), 10_000, latency_ms=12)
    found = {one.name: one for one in machinery.processes(Scene(now))}
    assert {name: one.shape for name, one in found.items()} == {
        "web": "ok", "stream": "fail", "worker": "ok", "trainer": "ok", "beat": "warn", "venue": "ok",
    }  # fmt: skip
    assert found["venue"].proof == "answered in 12 ms"
    assert "code 3c2bf78e37ba" in found["worker"].proof
    assert machinery.processes(Scene(now))[0].name == "stream"


def test_a_process_that_runs_other_code_is_named_on_the_page_and_in_the_api(reader, now):
    all_up(now)
    make.hearts(now)
    make.cycle(now)
    ProcessState.objects.filter(name="trainer").update(code="01dc0de01dc0")
    page = text(reader.get("/modules/"))
    assert "Trainer does not run what the web process runs." in page
    assert "runs code 01dc0de01dc0, web runs 3c2bf78e37ba: start it again" in page
    told = {one["name"]: one["differs"] for one in reader.get("/api/v1/processes").json()["items"]}
    assert told == {"web": [], "worker": [], "trainer": ["code"], "beat": [], "stream": []}


def test_a_module_whose_process_is_dead_is_said_to_run_nowhere(reader, now):
    all_up(now)
    make.hearts(now, worker=16)
    make.beat("trailing", now, ago=17, worked=17)
    told = {one["name"]: one for one in reader.get("/api/v1/modules").json()["items"]}
    assert (told["trailing"]["status"], told["trailing"]["liveness"]) == ("down", "down")
    assert told["trailing"]["why"] == "The process worker, which runs it, has been silent for 16\u00a0s."
    assert told["universe"]["status"] == "running"
    page = reader.get("/modules/").content.decode()
    assert re.search(r'data-key="trailing" data-shape="fail" data-status="down"', page)


def test_an_idle_module_tells_its_reason_in_the_api(reader, now):
    all_up(now)
    make.beat("trailing", now, idle_reason="no open position")
    told = {one["name"]: one for one in reader.get("/api/v1/modules").json()["items"]}["trailing"]
    assert (told["status"], told["alarm"], told["why"]) == ("idle", False, "Nothing to do: no open position")


def test_the_truth_table_tells_calls_against_those_that_were_due_and_the_effect(reader, now):
    all_up(now)
    make.hearts(now)
    planned("universe", every=60)
    PeriodicTask.objects.update(date_changed=now - timedelta(hours=2))
    for back in range(1, 15):
        report = Report(examined=12, actions=1)
        calls.count("universe", "beat", now - timedelta(minutes=back), report, "", 30)
    told = next(one for one in reader.get("/api/v1/modules").json()["items"] if one["name"] == "universe")
    assert told["called"]["ticks"] == 14 and told["called"]["expected"] in (12, 13, 14)
    assert told["called"]["by"] == {"beat": 14} and told["effect"]["examined"] == 14 * 12
    assert (told["configured"], told["built"], told["process"]) == (True, True, "trainer")
    line = re.search(r'<tr data-key="universe".*?</tr>', reader.get("/modules/").content.decode(), re.DOTALL)[0]
    assert re.search(r">14( of 1[234]|; 1[23] were due)<", line) and "168 examined, 14 acted on" in line


def test_each_module_can_be_run_by_those_who_may(client, reader, now):
    all_up(now)
    html = reader.get("/modules/").content.decode()
    assert html.count('action="/control/tick/"') == len(machinery.runs(Scene(now)))
    client.force_login(make.user("ida", ["viewer"]))
    assert 'action="/control/' not in client.get("/modules/").content.decode()


def test_the_page_makes_a_fixed_number_of_queries(reader, now, django_assert_max_num_queries):
    all_up(now)
    for number in range(20):
        planned(f"extra_{number}", f"Extra {number}")
    with django_assert_max_num_queries(36):
        reader.get("/modules/")


@pytest.mark.parametrize("path", ["/modules/", "/models/", "/policy/", "/universe/"])
def test_pages_are_for_those_who_may_look_and_only_to_look(client, path):
    assert client.get(path).status_code == 302
    client.force_login(make.user("nobody", []))
    assert client.get(path).status_code == 403
    client.force_login(make.user("ida", ["viewer"]))
    assert client.get(path).status_code == 200
    assert client.post(path).status_code in (403, 405)


def test_who_is_called_seldom_on_purpose_is_not_late(reader, now):
    make.beat("model_supervisor", now, ago=1700)
    make.beat("position_monitor", now, ago=1700)
    for name in ("model_supervisor", "position_monitor"):
        planned(name, every=1800)
    told = {one["name"]: one for one in reader.get("/api/v1/modules").json()["items"]}["model_supervisor"]
    assert (told["liveness"], told["every_s"]) == ("up", 1800)
    assert {run.pulse.name: run.pulse.alive for run in machinery.runs(Scene(now))}["model_supervisor"] == "up"
    assert "model_supervisor" not in reader.get("/readyz").json()["failing"]
    pulses = probing.read(now).pulses
    assert pulses["model_supervisor"].every == timedelta(minutes=30)
    assert pulses["position_monitor"].every < timedelta(minutes=1)  # stops hang on it
