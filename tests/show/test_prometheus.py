"""What is in ops/ for Prometheus and Grafana fits what /metrics tells: names, rules, thresholds, pages."""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta

import pytest
import yaml
from django.urls import Resolver404, resolve

from monitoring.control import apikeys
from monitoring.show.api.metrics import families
from monitoring.show.metrics import queues
from monitoring.watch.alerts.burn import OBJECTIVE, RULES
from quantum.config import BASE
from tests.e2e.house import free_port
from tests.show import factories as make
from tests.show.observed import full

OPS = BASE / "ops"
RULE_FILE = OPS / "prometheus" / "quantum.rules.yml"
BOARD = json.loads((OPS / "grafana" / "quantum.json").read_text())
GROUPS = yaml.safe_load(RULE_FILE.read_text())["groups"]
ALL = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in ALL if "alert" in rule]
RECORDED = {rule["record"] for rule in ALL if "record" in rule}
OF_PROMETHEUS = {"up", "scrape_duration_seconds"}
WORDS = {"sum", "by", "on", "and", "unless", "rate", "increase", "topk", "abs", "absent", "sum_over_time", "instance",
         "law", "outcome", "job"}  # fmt: skip
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: on Debian, apt-get install prometheus")
    return found


def promtool(*words: str) -> str:
    said = subprocess.run([tool("promtool"), *words], capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def metrics_of(expression: str) -> set[str]:
    """The names in an expression that are no function, keyword or label."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\$\w+', " ", re.sub(r'"[^"]*"', '""', expression))
    bare = re.sub(r"\b(?:by|on)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - WORDS


@pytest.fixture
def told(db, now):
    """The names and labels of a scrape in which everything has a value."""
    full(now)
    waiting = {"practice-trade": (3, b'{"headers": {"enqueued_at": 1}}')}
    text = "".join([*families(now), *queues.told(waiting, now)])
    return {name: set(re.findall(r'[{,]([a-z]+)="', line)) for line in text.splitlines() if not line.startswith("#")
            for name in [re.split(r"[{ ]", line)[0]]}  # fmt: skip


def expressions():
    yield from ((rule.get("alert") or rule["record"], rule["expr"]) for rule in ALL)
    yield from ((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"])


def test_names_are_found_in_an_expression():
    found = metrics_of('sum by (law) (rate(quantum_a{x="up by"}[5m])) > on (instance) law:quantum_b:1h and absent(up)')
    assert found == {"quantum_a", "law:quantum_b:1h", "up"}


def test_every_expression_uses_what_is_told(told):
    known = set(told) | RECORDED | OF_PROMETHEUS
    unknown = {title: metrics_of(text) - known for title, text in expressions() if metrics_of(text) - known}
    assert not unknown
    assert all(metrics_of(text) for _, text in expressions())


def test_every_legend_names_a_label_that_is_told(told):
    for panel in PANELS:
        for target in panel["targets"]:
            labels = set().union(*(told.get(name, {"law", "instance"}) for name in metrics_of(target["expr"])))
            used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert used <= labels | {"instance"}, (panel["title"], used - labels)


def test_almost_every_metric_is_on_the_dashboard_or_in_a_rule(told):
    used = set().union(*(metrics_of(text) for _, text in expressions()))
    assert len(used & set(told)) >= 50


def test_the_dashboard_can_be_provisioned():
    assert (BOARD["uid"], BOARD["schemaVersion"]) == ("quantum-truth", 39)
    assert BOARD["title"] and "id" not in BOARD and "__inputs" not in BOARD
    kinds = {one["name"]: one["type"] for one in BOARD["templating"]["list"]}
    assert kinds == {"datasource": "datasource", "instance": "query"}
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"] and panel["description"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no data"
        assert all(target["datasource"] == panel["datasource"] and target["refId"] for target in panel["targets"])
        assert panel["type"] in {"stat", "timeseries", "state-timeline", "table", "bargauge"}


def test_panels_do_not_lie_on_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & taken
        assert at["x"] + at["w"] <= 24
        taken |= mine


def test_every_alert_says_how_urgent_it_is_whose_and_where_to_go():
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["labels"]["owner"] in {"operator", "risk"}
        assert rule["annotations"]["summary"].endswith(".")
        path = re.fullmatch(r"http://(?:\{\{ \$labels.instance \}\}|127.0.0.1:8000)(/.*)",
                            rule["annotations"]["runbook_url"])[1]  # fmt: skip
        try:
            resolve(path)
        except Resolver404:
            pytest.fail(f"{rule['alert']}: there is no page {path}")


def test_the_burn_rates_are_those_that_the_house_itself_pages_by():
    assert OBJECTIVE == 0.999
    burning = [rule for rule in ALERTS if rule["alert"].startswith("QuantumLawBurns")]
    found = []
    for rule in burning:
        long, rate, short = re.fullmatch(
            r"law:quantum_burn_rate:(\w+) >= ([\d.]+) and law:quantum_burn_rate:(\w+) >= \2", rule["expr"]
        ).groups()
        found.append((rule["labels"]["severity"], float(rate), span(long), span(short)))
    assert found == [(rule.severity, rule.rate, rule.long, rule.short) for rule in RULES]


def span(text: str) -> timedelta:
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[text[-1]]: int(text[:-1])})


def test_every_alert_that_pages_is_seen_to_speak():
    tested = yaml.safe_load((OPS / "prometheus" / "quantum.rules.test.yml").read_text())["tests"]
    spoke = {one["alertname"] for test in tested for one in test["alert_rule_test"] if one["exp_alerts"]}
    silent = {one["alertname"] for test in tested for one in test["alert_rule_test"] if not one["exp_alerts"]}
    paging = {rule["alert"] for rule in ALERTS if rule["labels"]["severity"] == "page"}
    assert paging <= spoke & silent


def test_promtool_agrees_with_the_rules_and_their_tests(tmp_path):
    copy = shutil.copytree(OPS / "prometheus", tmp_path / "prometheus")
    (copy / "quantum.key").write_text("qt_not_a_real_key")
    promtool("check", "rules", str(copy / "quantum.rules.yml"))
    promtool("check", "config", str(copy / "prometheus.yml"))
    assert "SUCCESS" in promtool("test", "rules", str(copy / "quantum.rules.test.yml"))


# -- a real Prometheus ------------------------------------------------------------------------------------------------


def ask(port: int, path: str, **query: str):
    """Its answer's data; None while it does not answer."""
    address = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        if error.code == 503:  # it is starting
            return None
        return pytest.fail(f"{query or path}: {error.read().decode()}")
    except OSError:
        return None


def until(look, what: str, seconds: float = 60):
    ending = time.monotonic() + seconds
    while time.monotonic() < ending:
        if found := look():
            return found
        time.sleep(0.3)
    return pytest.fail(f"not within {seconds} s: {what}")


@pytest.fixture
def prometheus(live_server, now, tmp_path):
    """One of our own, on a free port, that scrapes this test's server every second; ended by its pid."""
    full(now)
    folder = shutil.copytree(OPS / "prometheus", tmp_path / "prometheus")
    (folder / "quantum.key").write_text(apikeys.create(make.user(), now)[1])
    target = live_server.url.removeprefix("http://")
    text = (folder / "prometheus.yml").read_text().replace("127.0.0.1:8000", target).replace("15s", "5s")
    (folder / "prometheus.yml").write_text(text)
    rules = (folder / "quantum.rules.yml").read_text()
    (folder / "quantum.rules.yml").write_text(rules.replace("interval: 1m", "interval: 5s"))
    port = free_port()
    words = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([tool("prometheus"), *words], stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_prometheus_scrapes_us_and_answers_every_question(prometheus):
    def target():
        known = (ask(prometheus, "targets") or {}).get("activeTargets", [])
        return next((one for one in known if one["health"] == "up"), None)

    seen = until(target, "a scrape that succeeds")
    assert seen["lastError"] == ""
    found = until(lambda: ask(prometheus, "query", query="quantum_build_info")["result"], "an answer")
    assert found[0]["metric"]["mode"] == "practice"
    signals = ask(prometheus, "query", query="quantum_signals_total")["result"]
    assert float(signals[0]["value"][1]) == 202
    groups = until(lambda: judged(ask(prometheus, "rules")["groups"]), "rules that were judged", 100)
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    assert sum(len(group["rules"]) for group in groups) == len(ALL)
    for _title, text in expressions():
        ask(prometheus, "query", query=text.replace("$instance", ".*"))
    silent = [panel for panel in PANELS if not any(answered(prometheus, one) for one in panel["targets"])]
    without_reason = [panel["title"] for panel in silent if not any(may_be_empty(one) for one in panel["targets"])]
    assert not without_reason


def may_be_empty(target: dict) -> bool:
    """It asks for a change between two scrapes, for what is above 0, or for a broker that this test has not."""
    return re.search(r"increase\(|rate\(|law:|> 0|queue", target["expr"]) is not None


def judged(groups: list) -> list | None:
    return groups if all(rule["health"] != "unknown" for group in groups for rule in group["rules"]) else None


def answered(port: int, target: dict) -> bool:
    return bool(ask(port, "query", query=target["expr"].replace("$instance", ".*"))["result"])
