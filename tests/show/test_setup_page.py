"""`/setup/`: each step of the way to a venue, what is refused, and that no secret ever comes back."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from monitoring.models import AuditEntry
from monitoring.watch.venue_words import PASSES, TITLES, TROUBLES, line, lines, needs
from quantum.config import load
from tests.show import factories as make
from trading import events
from trading.exchange import checks, rows
from trading.models import PreflightRun, VenueKeys, VenueStart

pytestmark = pytest.mark.django_db
KEY, SECRET = "K" * 60 + "last", "S" * 64
TESTNET = {"QT_MODE": "testnet", "QT_API_KEY": KEY, "QT_API_SECRET": SECRET}


@pytest.fixture
def house(settings, tmp_path):
    def build(**environ):
        settings.QUANTUM = load({"QT_VAR": str(tmp_path)} | environ)

    build()
    return build


@pytest.fixture
def heard(monkeypatch):
    tasks = []
    monkeypatch.setattr(events, "ring", lambda *what, **how: tasks.append(what) or True)
    return tasks


def text(answer):
    plain = re.sub(r"<[^>]+>", " ", answer.content.decode()).replace("\u00a0", " ").replace("&#x27;", "'")
    return re.sub(r"\s+", " ", plain)


def press(reader, action, **body):
    return reader.post(
        f"/control/{action}/", json.dumps(body), content_type="application/json", headers={"Accept": "application/json"}
    )


def stored(passed=True, **fields):
    now = timezone.now() - timedelta(minutes=1)
    answers = [{"check": c, "answer": "ok" if passed else "fail", "code": "refused", "facts": {"message": "no (-1)"},
                "took_ms": 3} for c in checks.CHECKS]  # fmt: skip
    if passed:
        answers = [a | {"code": "ok", "facts": FACTS} for a in answers]
    return PreflightRun.objects.create(
        **{
            **rows.here(), "full": True, "requested_by": "kari", "requested_at": now, "beat_at": now,
            "finished_at": now, "passed": passed, "checks": answers,
        } | fields
    )  # fmt: skip


FACTS = {
    "took": 0.1, "seconds": -0.2, "limit": 2.0, "equity": "5000", "symbol": "BTC/USDT:USDT", "mode": "isolated",
    "leverage": 3, "was_mode": "cross", "was_leverage": 20, "available": "5000", "needed": "1.67", "count": 4,
    "all": 50,
    "trigger": "90000", "quantity": "0.001", "message": "fapiPrivateGetX: no (-1)", "wanted_mode": "isolated",
    "wanted_leverage": 3, "symbols": "X/USDT:USDT", "before": "key",
}  # fmt: skip


def test_from_practice_the_page_leads_step_by_step_and_says_who_decides(house, reader):
    page = text(reader.get("/setup/"))
    assert "This house runs in practice mode. No money is in reach." in page
    for step in ("1 · Where you are", "2 · Choose", "3 · Keys for testnet", "4 · Checks", "5 · Start"):
        assert step in page
    assert "The environment is a ceiling" in page and "QT_MODE=testnet" in page and "make run" in page
    assert "Run the checks" not in page, "no button where there is nothing to check with"
    assert page.count("Not asked yet") == len(checks.CHECKS)


def test_what_else_would_refuse_the_start_is_listed(house, reader):
    house(QT_PAPER_TRADING="true")
    assert "QT_PAPER_TRADING=true contradicts QT_MODE=testnet" in text(reader.get("/setup/"))


def test_pasted_keys_are_kept_and_never_come_back(house, reader, tmp_path, caplog):
    answer = reader.post("/setup/keys/", {"way": "paste", "key": KEY, "secret": SECRET})
    assert (answer.status_code, answer["Location"]) == (302, "/setup/#checks")
    html = reader.get("/setup/").content.decode()
    assert KEY not in html and SECRET not in html and SECRET not in caplog.text
    assert 'ending in <span class="code">last</span>' in html
    assert f"QT_API_KEY_FILE={tmp_path}/keys/testnet.key" in html
    assert "Run the checks" in html


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"way": "paste", "key": "geheim", "secret": SECRET}, "key", "exactly 64 letters and digits"),
        ({"way": "paste", "key": KEY, "secret": ""}, "secret", "secret is empty"),
        ({"way": "files", "key_file": "/nowhere", "secret_file": "/nowhere"}, "key_file", "No such file"),
        ({"way": "files"}, "key_file", "1 to 300 printable characters"),
        ({"way": "sideways"}, "", "must be paste or files"),
        ({}, "", "must be paste or files"),
    ],
)
def test_bad_keys_are_refused_by_field_and_not_echoed(house, reader, given, field, says):
    answer = reader.post("/setup/keys/", given)
    assert answer.status_code == 400 and says in text(answer)
    html = answer.content.decode()
    assert "geheim" not in html and SECRET not in html
    if field:
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', html)
    assert not VenueKeys.objects.exists()


def test_who_may_not_name_keys_sees_no_form_and_is_refused(house, client):
    client.force_login(make.user("olav", roles=["operator"]))
    page = client.get("/setup/").content.decode()
    assert 'name="secret"' not in page and "takes the role admin" in page
    assert client.post("/setup/keys/", {"way": "paste", "key": KEY, "secret": SECRET}).status_code == 403


def test_a_form_from_elsewhere_is_refused(house):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make.user())
    assert strict.post("/setup/keys/", {"way": "paste", "key": KEY, "secret": SECRET}).status_code == 403
    assert strict.get("/setup/keys/").status_code == 405


def test_a_round_is_asked_for_shown_as_it_goes_and_not_asked_for_twice(house, reader, heard):
    house(**TESTNET)
    answer = press(reader, "venue_check")
    assert answer.status_code == 202
    run = PreflightRun.objects.get()
    assert heard == [("monitoring.preflight", run.pk)]
    run.checks = [{"check": "address", "answer": "ok", "code": "ok", "facts": {"took": 0.03}, "took_ms": 30}]
    run.save()
    page = text(reader.get("/setup/"))
    assert "1 of 11 answered" in page and "It answered within 0.03 s." in page
    assert press(reader, "venue_check").status_code == 409
    PreflightRun.objects.update(finished_at=timezone.now(), passed=False)
    late = press(reader, "venue_check")
    assert late.status_code == 429 and 1 <= int(late["Retry-After"]) <= 10
    assert "may begin in" in late.json()["error"]["message"]


def test_a_failed_round_says_what_each_no_means_and_what_to_do(house, reader):
    house(**TESTNET)
    stored(passed=False)
    page = text(reader.get("/setup/"))
    assert "No entries at binanceusdm demo yet. 11 of 11 checks have not passed." in page
    assert "11 answers stand in the way of a start." in page
    assert "The exchange refused: no (-1)." in page
    assert press(reader, "venue_start", reason="go").status_code == 400
    assert reader.get("/control/venue_start/").status_code == 409


def test_after_the_checks_one_person_starts_and_stops(house, reader):
    house(**TESTNET)
    run = stored()
    page = reader.get("/setup/").content.decode()
    assert "The checks have passed; nobody has pressed start yet." in page and 'data-control="' in page
    assert press(reader, "venue_start", reason="", shown={"checks": str(run.pk)}).status_code == 400
    assert press(reader, "venue_start", reason="go", shown={"checks": str(run.pk + 1)}).status_code == 409
    assert not VenueStart.objects.exists()
    assert press(reader, "venue_start", reason="a rehearsal", shown={"checks": str(run.pk)}).status_code == 200
    assert rows.waiting() == {}
    assert "Entries are allowed at binanceusdm demo." in text(reader.get("/setup/"))
    assert press(reader, "venue_stop").status_code == 200
    assert rows.waiting()["stopped_by"] == AuditEntry.objects.order_by("-seq")[0].who
    assert "stopped entries here." in text(reader.get("/setup/"))


def test_from_practice_mode_nothing_can_be_started(house, reader):
    stored(mode="testnet", venue="binanceusdm demo")
    answer = press(reader, "venue_start", reason="go")
    assert answer.status_code == 400 and "set QT_MODE=testnet" in answer.json()["error"]["message"]


def test_a_round_whose_process_died_says_so(house, reader):
    house(**TESTNET)
    ago = timezone.now() - timedelta(minutes=5)
    stored(requested_at=ago, beat_at=ago, finished_at=None, passed=None)
    page = text(reader.get("/setup/"))
    assert "ended early: its process is gone" in page and "Run the checks" in page


def test_another_venues_round_is_not_shown(house, reader):
    stored(venue="elsewhere")
    assert text(reader.get("/setup/")).count("Not asked yet") == len(checks.CHECKS)


# -- the words ---------------------------------------------------------------------------------------------------------


def codes_of_the_checks():
    import ast
    from pathlib import Path

    found = set()
    for name in ("trading/exchange/checks.py", "trading/orders/preflight.py"):
        for node in ast.walk(ast.parse(Path(name).read_text())):
            if isinstance(node, ast.Call) and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if called in ("fail", "unknown"):
                    found.add(node.args[1].value)
    return found | set(checks.SECRET_CODES.values())


def test_every_check_and_every_code_has_its_words():
    assert set(TITLES) == set(PASSES) == set(checks.CHECKS)
    assert set(TROUBLES) == codes_of_the_checks()


@pytest.mark.parametrize("check", checks.CHECKS)
def test_every_pass_is_a_sentence(check):
    said = line(check, {"answer": "ok", "code": "ok", "facts": FACTS})
    assert said.why.endswith(".") and "%(" not in said.why and ":USDT" not in said.why


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_every_trouble_is_a_sentence_and_most_say_what_to_do(code):
    said = line("key", {"answer": "fail", "code": code, "facts": FACTS})
    assert said.why.endswith(".") and "%(" not in said.why + said.fix and "fapi" not in said.why
    assert said.fix.endswith(".") or code in ("not_asked", "later")


def test_what_was_not_asked_yet_is_drawn_as_unknown():
    assert {one.shape for one in lines([])} == {"unknown"}
    assert needs({}) == ""
