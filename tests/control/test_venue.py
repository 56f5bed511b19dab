"""Keys, checks and start: who may, what is kept, what is refused, and that no secret is ever told."""

import os
import stat
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from monitoring.control import audit, venue
from monitoring.control.actions import BadRequest, Stale, Unreachable
from monitoring.control.permissions import NotAllowed
from monitoring.models import AuditEntry
from quantum.config import load
from tests.practice.running import Running
from trading import events
from trading.exchange import checks, rows
from trading.models import PreflightRun, VenueKeys, VenueStart

pytestmark = pytest.mark.django_db
KEY, SECRET = "K" * 60 + "last", "S" * 64
STAND_IN = {"QT_TESTNET_URL": "http://127.0.0.1:8299"}
TESTNET = {"QT_MODE": "testnet", "QT_API_KEY": KEY, "QT_API_SECRET": SECRET}


@pytest.fixture
def house(settings, tmp_path):
    """A house with these settings, in a folder of its own."""

    def build(**environ):
        settings.QUANTUM = load({"QT_VAR": str(tmp_path)} | environ)
        return settings.QUANTUM

    build()
    return build


@pytest.fixture
def admin(user):
    return user("kari", "admin")


@pytest.fixture
def officer(user):
    return user("nils", "risk officer")


@pytest.fixture
def heard(monkeypatch):
    """The tasks that were rung for."""
    tasks = []
    monkeypatch.setattr(events, "ring", lambda *what, **how: tasks.append(what) or True)
    return tasks


def everything_told():
    kept = [
        str(vars(row)) for model in (AuditEntry, VenueKeys, PreflightRun, VenueStart) for row in model.objects.all()
    ]
    return "\n".join(kept)


# -- keys --------------------------------------------------------------------------------------------------------------


def test_pasted_keys_lie_in_files_that_only_their_owner_reads_and_nowhere_else(house, admin, now, tmp_path):
    row = venue.paste_keys(f" {KEY}\n", SECRET, admin, now)
    for name, text in (("key", KEY), ("secret", SECRET)):
        path = tmp_path / "keys" / f"testnet.{name}"
        assert path.read_text().strip() == text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert (row.last_four, row.set_by) == ("last", "kari")
    assert KEY not in everything_told() and SECRET not in everything_told()
    assert AuditEntry.objects.get().action == "venue.keys.paste" and audit.verify().ok
    assert load(TESTNET | {"QT_API_KEY": "", "QT_API_SECRET": "", "QT_API_KEY_FILE": row.key_file,
                           "QT_API_SECRET_FILE": row.secret_file}).QT_API_KEY == KEY  # fmt: skip


def test_new_keys_replace_the_old_ones_at_once(house, admin, now, tmp_path):
    venue.paste_keys(KEY, SECRET, admin, now)
    venue.paste_keys("N" * 64, SECRET, admin, now)
    assert (tmp_path / "keys" / "testnet.key").read_text() == "N" * 64 + "\n"
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["testnet.key", "testnet.secret"]
    assert AuditEntry.objects.order_by("-seq")[0].before["last_four"] == "last"


@pytest.mark.parametrize(
    ("key", "secret", "field", "says"),
    [
        ("", SECRET, "key", "key is empty"),
        (KEY, "  ", "secret", "secret is empty"),
        (KEY[:-1], SECRET, "key", "exactly 64 letters and digits.*63 characters"),
        (KEY, "geheim " * 9, "secret", "exactly 64 letters and digits"),
        ("ø" * 64, SECRET, "key", "exactly 64"),
        ("K" * 63 + "\x00", SECRET, "key", "exactly 64"),
        (SECRET, SECRET, "secret", "the same as key"),
    ],
)
def test_what_is_no_key_is_refused_by_field_and_never_repeated(house, admin, now, key, secret, field, says):
    with pytest.raises(BadRequest, match=says) as no:
        venue.paste_keys(key, secret, admin, now)
    assert no.value.field == field
    assert not any(text.strip() and text in str(no.value) for text in (key, secret))
    assert not VenueKeys.objects.exists()


def test_a_stand_in_takes_the_practice_exchanges_short_keys(house, admin, now):
    house(**STAND_IN)
    assert venue.paste_keys("practice", "practice", admin, now).last_four == ""
    with pytest.raises(BadRequest, match="1 to 128"):
        venue.paste_keys("two words", "practice", admin, now)


def test_files_of_ones_own_are_named_and_read_but_not_copied(house, admin, now, tmp_path):
    for name, text in (("a", KEY), ("b", SECRET)):
        (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / name).chmod(0o600)
    row = venue.name_keys(str(tmp_path / "a"), str(tmp_path / "b"), admin, now)
    assert (row.key_file, row.last_four) == (str(tmp_path / "a"), "last")
    assert not (tmp_path / "keys").exists()
    assert venue.keys_at_hand().key == KEY
    assert KEY not in repr(venue.keys_at_hand()) + everything_told()


@pytest.mark.parametrize(
    ("name", "says"),
    [("nowhere", "can't be read .No such file"), ("open", "chmod 600"), ("folder", "Is a directory"),
     ("pipe", "at most 4096 bytes"), ("large", "at most 4096 bytes"), ("other", "exactly 64"),
     ("", "1 to 300 printable"), ("a\x00b", "1 to 300 printable")],
)  # fmt: skip
def test_a_file_that_holds_no_key_is_refused_and_nothing_of_it_is_told(house, admin, now, tmp_path, name, says):
    (tmp_path / "good").write_text(SECRET)
    (tmp_path / "good").chmod(0o600)
    (tmp_path / "open").write_text(KEY)
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for other, text in (("large", "x" * 5000), ("other", "password: geheim")):
        (tmp_path / other).write_text(text)
        (tmp_path / other).chmod(0o600)
    with pytest.raises(BadRequest, match=says) as no:
        venue.name_keys(
            f"{tmp_path}/{name}" if name and name.isprintable() else name, str(tmp_path / "good"), admin, now
        )
    assert no.value.field == "key_file" and "geheim" not in str(no.value)


@pytest.mark.parametrize("role", ["viewer", "operator", "risk officer"])
def test_only_an_admin_names_keys(house, user, now, role):
    with pytest.raises(NotAllowed):
        venue.paste_keys(KEY, SECRET, user("other", role), now)


# -- checks ------------------------------------------------------------------------------------------------------------


def test_checks_need_keys_and_a_role(house, admin, user, now):
    with pytest.raises(BadRequest, match="No keys are named yet"):
        venue.request_checks(admin, now)
    with pytest.raises(NotAllowed):
        venue.request_checks(user("eva", "viewer"), now)


def test_from_practice_mode_only_what_reads_is_checked(house, admin, now, heard):
    venue.paste_keys(KEY, SECRET, admin, now)
    run = venue.request_checks(admin, now)
    assert (run.full, run.mode, run.venue, run.passed) == (False, "testnet", "binanceusdm demo", None)
    assert heard == [("monitoring.preflight", run.pk)]
    house(**TESTNET)
    assert venue.request_checks(admin, now + timedelta(minutes=2)).full


def test_a_round_at_a_time_and_not_too_often(house, admin, now, heard):
    house(**TESTNET)
    run = venue.request_checks(admin, now)
    with pytest.raises(Stale, match="being made already"):
        venue.request_checks(admin, now + timedelta(seconds=20))
    PreflightRun.objects.filter(pk=run.pk).update(finished_at=now, passed=False)
    with pytest.raises(venue.TooSoon) as no:
        venue.request_checks(admin, now + timedelta(seconds=4))
    assert no.value.seconds == 6
    for n in range(1, venue.MOST):
        later = now + timedelta(seconds=30 * n)
        PreflightRun.objects.filter(pk=venue.request_checks(admin, later).pk).update(finished_at=later, passed=False)
    with pytest.raises(venue.TooSoon) as no:
        venue.request_checks(admin, now + timedelta(minutes=6))
    assert no.value.seconds == 240
    assert len(heard) == venue.MOST


def test_a_round_whose_process_died_does_not_stand_in_the_way(house, admin, now, heard):
    house(**TESTNET)
    venue.request_checks(admin, now)
    assert venue.request_checks(admin, now + timedelta(minutes=1))


def test_where_the_queue_does_not_answer_nothing_was_asked_for(house, admin, now, monkeypatch):
    house(**TESTNET)
    monkeypatch.setattr(events, "ring", lambda *what, **how: False)
    with pytest.raises(Unreachable):
        venue.request_checks(admin, now)
    assert not PreflightRun.objects.exists()
    told = AuditEntry.objects.order_by("seq").values_list("action", flat=True)
    assert list(told) == ["venue.check.request", "venue.check.withdraw"] and audit.verify().ok


def test_a_request_for_checks_is_on_record_before_the_venue_hears_of_it(house, admin, now, heard):
    house(**TESTNET)
    run = venue.request_checks(admin, now, reason=" a new  key ")
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.action, entry.reason) == ("kari", "venue.check.request", "a new key")
    assert (entry.after["checks"], entry.after["full"]) == (run.pk, True)


def test_a_request_that_can_not_be_put_on_record_is_none(house, admin, now, heard, monkeypatch):
    house(**TESTNET)
    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(OSError, match="full"):
        venue.request_checks(admin, now)
    assert not PreflightRun.objects.exists() and heard == []


def broken(**what):
    raise OSError("the disk is full")


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """A second practice exchange, in the demo environment's place."""
    with Running(tmp_path_factory.mktemp("second"), QT_API_KEY="demo-key", QT_API_SECRET="demo-secret") as exchange:
        yield exchange


@pytest.mark.parametrize(
    ("secret", "code", "passed"), [("demo-secret", "ok", True), ("wrong-secret", "secret_wrong", False)]
)
def test_a_second_practice_exchange_is_checked_over_http_and_put_on_record(
    house, admin, heard, second, secret, code, passed
):
    before = second.state()["requests"].get("POST /fapi/v1/algoOrder", 0)
    house(QT_MODE="testnet", QT_TESTNET_URL=second.url, QT_API_KEY="demo-key", QT_API_SECRET=secret)
    run = venue.carry_out(venue.request_checks(admin, timezone.now()).pk, timezone.now)
    found = {c["check"]: c["code"] for c in run.checks}
    assert (found["key"], run.passed) == (code, passed), run.checks
    state = second.state()
    assert state["orders"] == state["algo_orders"] == [] and state["unknown_endpoints"] == {}
    assert state["requests"].get("POST /fapi/v1/algoOrder", 0) - before == int(passed)
    entry = AuditEntry.objects.get(action="venue.check")
    assert (entry.who, entry.after["passed"]) == ("kari", passed)
    if passed:
        assert (entry.after["margin_mode"], entry.after["leverage"]) == ("isolated", 3)
        assert entry.before["margin_mode"] in ("cross", "isolated")
    assert secret not in everything_told() and audit.verify().ok


def test_from_practice_mode_a_second_exchange_is_read_and_not_touched(house, admin, heard, second):
    house(QT_TESTNET_URL=second.url)
    venue.paste_keys("demo-key", "demo-secret", admin, timezone.now())
    run = venue.carry_out(venue.request_checks(admin, timezone.now()).pk, timezone.now)
    answers = {c["check"]: c["answer"] for c in run.checks}
    assert {name for name, answer in answers.items() if answer != "ok"} == checks.CHANGES
    assert run.passed is False


def test_an_exchange_without_money_says_so(house, admin, heard, tmp_path):
    with Running(tmp_path, "--balance", "0") as poor:
        house(QT_MODE="testnet", QT_TESTNET_URL=poor.url, QT_API_KEY="practice", QT_API_SECRET="practice")
        run = venue.carry_out(venue.request_checks(admin, timezone.now()).pk, timezone.now)
    found = {c["check"]: c for c in run.checks}
    assert found["balance"]["code"] == "no_balance"
    assert Decimal(found["balance"]["facts"]["available"]) == 0


def test_a_worker_whose_keys_have_changed_meanwhile_checks_nothing(house, admin, now, heard):
    house(**TESTNET)
    run = venue.request_checks(admin, now)
    house(**(TESTNET | {"QT_API_KEY": "N" * 64}))
    assert venue.carry_out(run.pk, timezone.now) is None


# -- start and stop ----------------------------------------------------------------------------------------------------


def passed_run(now, passed=True):
    stored = [{"check": c, "answer": "ok" if passed else "fail", "code": "ok", "facts": {}} for c in checks.CHECKS]
    return PreflightRun.objects.create(
        **rows.here(), full=True, requested_by="kari", requested_at=now, finished_at=now, passed=passed, checks=stored
    )


def test_one_person_starts_after_the_checks_and_anyone_of_the_crew_stops(house, officer, user, now):
    house(**TESTNET)
    run = passed_run(now)
    row = venue.start("ready for the demo", officer, now, shown=run.pk)
    assert (row.state, row.by, row.run) == ("started", "nils", run)
    assert rows.waiting() == {}
    assert venue.start("again", officer, now).pk == row.pk
    venue.stop("", user("ola", "operator"), now)
    assert rows.waiting() == {"stopped_by": "ola"}
    assert list(AuditEntry.objects.order_by("seq").values_list("action", "who")) == [
        ("venue.start", "nils"),
        ("venue.stop", "ola"),
    ]
    venue.start("on we go", officer, now)
    assert rows.waiting() == {} and audit.verify().ok


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_do_not_start(house, user, now, role):
    house(**TESTNET)
    passed_run(now)
    with pytest.raises(NotAllowed):
        venue.start("please", user("other", role), now)


def test_nothing_starts_unchecked_failed_or_without_a_reason(house, officer, now):
    house(**TESTNET)
    with pytest.raises(BadRequest, match="have not passed"):
        venue.start("ready", officer, now)
    run = passed_run(now)
    with pytest.raises(BadRequest, match="needs a reason"):
        venue.start("  ", officer, now)
    passed_run(now, passed=False)
    with pytest.raises(Stale, match="not the newest"):
        venue.start("ready", officer, now, shown=run.pk)
    with pytest.raises(BadRequest, match="have not passed"):
        venue.start("ready", officer, now)
    assert not VenueStart.objects.exists()


def test_a_start_needs_fresh_proof(house, officer, now):
    house(**TESTNET)
    passed_run(now)
    with pytest.raises(BadRequest, match="more than 60 minutes ago"):
        venue.start("ready", officer, now + timedelta(minutes=62))
    assert rows.waiting() and not VenueStart.objects.exists()


def test_the_page_never_raises_the_mode(house, officer, now):
    with pytest.raises(BadRequest, match="set QT_MODE=testnet") as no:
        venue.start("ready", officer, now)
    assert no.value.field == "mode"


def test_what_was_never_started_needs_no_stop(house, officer, now):
    house(**TESTNET)
    assert venue.stop("", officer, now) is None
    assert not AuditEntry.objects.exists()
