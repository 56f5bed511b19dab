"""The doctor: every probe with its fix, the exit code, the dated document, and a bundle that holds no secret."""

import io
import json
import re
import zipfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation

from monitoring.models import HealthScore
from monitoring.watch import bundle, doctor, document, validator
from monitoring.watch.document import Bullets, Heading, Paragraph, Table
from monitoring.watch.probes import PROBES, answers
from monitoring.watch.probes.facts import Account
from monitoring.watch.probes.words import say
from monitoring.watch.scorecard import score
from tests.show import factories as make
from tests.watch.probes.builders import NOW, SYMBOLS, ago, champion, healthy, holding, tally
from trading.models import VenueKeys

pytestmark = pytest.mark.django_db


@pytest.fixture
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def busy(var):
    now = timezone.now()
    make.no_trades(now)
    make.holdings(now)
    validator.store(validator.validate(now))


def run(*arguments):
    """What the command says, and its exit code."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("doctor", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return out.getvalue(), err.getvalue(), code


def diagnosis(**changes):
    facts = healthy(**changes)
    card = score(answers(facts), NOW)
    return doctor.Diagnosis(NOW, facts, card, doctor.problems(card))


# -- the command ------------------------------------------------------------------------------------------------------


def test_every_probe_is_told_with_its_state_and_fix(busy):
    told, _, code = run()
    assert code == 1
    assert sum(told.count(f"    {word:<8} ") for word in ("ok", "fail", "unknown")) == len(PROBES)
    assert "Held at 50: 198 signals and no executed order" in told
    assert "fix: Open the decisions with this code" in told


def test_what_is_the_matter_is_told_first_with_its_numbers_and_steps(busy):
    told, _, _ = run()
    assert told.index("What is the matter, worst first") < told.index("Core Trading")
    assert re.search(r"high: Cooldown: 1[67]\d of 19\d signals", told)  # the oldest may leave the hour meanwhile
    assert "198 signals and no order within 1\u00a0h, because: Cooldown: 171 of 198 signals." in told
    assert "QT_COOLDOWN_SECONDS is 120\u00a0s, its default." in told


def test_json_names_each_cause_with_evidence_steps_and_what_may_be_pressed(busy):
    first = next(
        one for one in json.loads(run("--json")[0])["problems"] if one["key"] == "SIGNALS_REJECTED:COOLDOWN_ACTIVE"
    )
    assert first["title"] == "Cooldown: 171 of 198 signals" and first["setting"] == "QT_COOLDOWN_SECONDS"
    assert first["evidence"][0]["href"] == "/decisions/?code=COOLDOWN_ACTIVE"
    assert first["steps"] and first["measured"]["n"] == 171


def test_the_document_and_the_bundle_hold_the_causes(busy, tmp_path):
    run("--report", str(tmp_path / "report.md"), "--bundle", str(tmp_path / "bundle.zip"))
    report = (tmp_path / "report.md").read_text()
    assert report.index("## Causes, worst first") < report.index("## Problems, worst first")
    assert report.count("Cooldown: 171 of 198 signals") == 2  # the headline, and the table
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert "SIGNALS_REJECTED:COOLDOWN_ACTIVE" in archive.read("probes.json").decode()


def test_json_has_every_probe_and_the_exit_code(busy):
    told, _, code = run("--json")
    seen = json.loads(told)
    assert seen["exit_code"] == code == 1
    assert {one["probe"] for one in seen["probes"]} == {probe.key for probe in PROBES}
    assert all(one["sentence"] for one in seen["probes"])
    assert all(one["fix"] for one in seen["probes"] if one["state"] != "ok")
    assert seen["overall"] == 50 and seen["mode"] == "practice"


def test_it_looks_at_the_database_itself_and_does_not_trust_an_old_finding(var):
    schema = next(one for one in json.loads(run("--json")[0])["probes"] if one["probe"] == "database_validator.schema")
    assert schema["state"] == "ok"


def test_a_database_without_its_tables_is_told_by_name(var):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE trading_balancelook")
    with pytest.raises(CommandError, match="Tables are missing: trading_balancelook") as told:
        run()
    assert "manage.py migrate" in str(told.value) and told.value.returncode == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [({}, 0), ({"supervision": None}, 2), ({"faults": {"gap": 1}}, 1), ({"faults": {"gap": 1}, "account": None}, 1)],
)
def test_the_exit_code_says_well_ill_or_unsure(changes, code):
    assert diagnosis(**changes).exit_code == code


# -- problems ---------------------------------------------------------------------------------------------------------


def test_problems_are_ranked_by_severity_then_by_what_they_cost():
    seen = diagnosis(
        decided=(tally(),), last_traded=ago(minutes=71), faults={"gap": 1}, supervision=None,
        champions=(champion("logistic", log_loss=0.7),), account=Account(ago(seconds=9), Decimal(10_000), 2500),
    )  # fmt: skip
    ranked = [(problem.severity.value, problem.point.probe) for problem in seen.problems]
    assert ranked[0] == ("critical", "executor.trades")
    assert {probe for severity, probe in ranked if severity == "high"} == {"data_feed.believable", "exchange.prompt"}
    assert {probe for severity, probe in ranked if severity == "medium"} == {"models.voting", "models.skilled"}
    assert ranked[-1][0] == "low"
    assert [severity for severity, _ in ranked] == sorted(
        (severity for severity, _ in ranked), key=["critical", "high", "medium", "low"].index
    )


def test_an_unknown_that_caps_is_high():
    assert {problem.severity.value for problem in diagnosis(account=None).problems} == {"high"}


def test_each_step_is_told_once():
    todo = doctor.steps(diagnosis(supervision=None, balance=None))
    assert len(todo) == len(set(todo)) > 1


# -- the document -----------------------------------------------------------------------------------------------------


def test_the_report_is_dated_written_and_remembered(busy, var):
    _, told, code = run("--report")
    path = next((var / "reports").iterdir())
    assert str(path) in told and code == 1
    text = path.read_text(encoding="utf-8")
    for title in (
        "# Diagnosis of 20", "## Score", "## What runs", "## What does not run", "## Problems, worst first",
        "## Changes since the last report", "## Next steps",
    ):  # fmt: skip
        assert title in text
    assert "This is the first report." in text
    assert HealthScore.objects.get().reported


def test_the_next_report_tells_what_changed_since_the_last(busy, var):
    run("--report", str(var / "one.md"))
    HealthScore.objects.update(at=timezone.now() - timedelta(hours=1))
    make.UniverseSnapshot.objects.update(at=timezone.now() - timedelta(hours=1))
    run("--report", str(var / "two.md"))
    text = (var / "two.md").read_text(encoding="utf-8")
    assert "| Universe OS | 10 → 6 | Snapshot" in text
    assert HealthScore.objects.filter(reported=True).count() == 2


def test_html_by_its_suffix_and_in_the_language_asked_for(busy, var):
    run("--report", str(var / "rapport.html"), "--language", "nb")
    text = (var / "rapport.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and '<html lang="nb">' in text
    assert text.count("<table>") >= 6 and "<script" not in text


def test_letters_of_every_kind_survive(var):
    blocks = [Heading("Blåbærsyltetøy", 1), Paragraph("æøå Æ Ø Å – 198 → 0")]
    assert document.markdown(blocks).encode().decode() == "# Blåbærsyltetøy\n\næøå Æ Ø Å – 198 → 0\n"
    assert "Blåbærsyltetøy" in document.html(blocks)


def test_what_a_module_says_cannot_become_markup():
    told = "<script>|`x`*[a](b)"
    table = Table(("a",), ((told,),))
    assert "<script>" not in document.html([table]) and "<script>" not in document.markdown([table])
    assert document.markdown([table]).splitlines()[2].replace("\\|", "").count("|") == 2
    assert document.markdown([Bullets(("one\ntwo",), numbered=True)]) == "1. one two\n"


def test_a_file_that_cannot_be_written_is_named(busy, var):
    with pytest.raises(CommandError, match="no/such/folder.*can't be written: No such file"):
        run("--report", str(var / "no/such/folder/x.md"))
    assert not HealthScore.objects.filter(reported=True).exists()


def test_a_healthy_system_has_nothing_to_do():
    text = document.markdown(document.document(diagnosis()))
    assert "None: every probe says ok." in text and "Nothing to do." in text and "Every module runs." in text
    assert "100 of 100, healthy" in text


# -- the bundle -------------------------------------------------------------------------------------------------------


SECRET = "Sup3r-secret-Value"


def test_the_bundle_holds_probes_settings_errors_versions_and_no_secret(busy, var, settings):
    settings.QUANTUM = settings.QUANTUM.model_copy(
        update={"QT_API_KEY": SECRET, "DATABASE_URL": "postgres://q:pa55word@db/q", "QT_API_SECRET": "another-secret"}
    )
    settings.SECRET_KEY = "the-key-of-this-installation"
    (var / "log").mkdir()
    (var / "log" / "worker.log").write_text(
        "2026-03-01 12:00:00,001 INFO    x: all well\n"
        f"2026-03-01 12:00:01,001 ERROR   x: refused with key {SECRET}\n"
        "Traceback (most recent call last):\n  signature=abcdef0123&x=1 Authorization: Bearer qt_abcdefghijkl\n"
        "2026-03-01 12:00:02,001 WARNING x: cannot reach redis://:pa55word@host/0 the-key-of-this-installation\n"
        "2026-03-01 12:00:03,001 INFO    x: log in /login/#token=abcdefgh\n"
    )
    make.beat("policy", timezone.now(), last_error=f"ValueError: {SECRET}")
    run("--bundle", str(var / "help.zip"))
    with zipfile.ZipFile(var / "help.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {
        "report.md", "probes.json", "settings.json", "modules.json", "versions.json", "errors/worker.log",
    }  # fmt: skip
    whole = "\n".join(texts.values())
    for secret in (SECRET, "pa55word", "another-secret", "the-key-of-this-installation", "qt_abcdefghijkl",
                   "abcdef0123", "#token=abc"):  # fmt: skip
        assert secret not in whole
    assert json.loads(texts["settings.json"])["QT_API_KEY"] == "set"
    assert json.loads(texts["settings.json"])["QT_MAX_POSITIONS"] == 6
    assert "refused with key [removed]" in texts["errors/worker.log"]
    assert "all well" not in texts["errors/worker.log"]
    assert "django" in {name.lower() for name in json.loads(texts["versions.json"])["packages"]}
    assert len(json.loads(texts["probes.json"])["probes"]) == len(PROBES)


def test_keys_that_were_named_for_a_venue_leave_in_no_bundle(busy, var):
    (var / "testnet.key").write_text("K" * 63 + "1\n")
    VenueKeys.objects.create(mode="testnet", key_file=str(var / "testnet.key"), secret_file=str(var / "gone"),
                             last_four="", set_by="kari", set_at=timezone.now())  # fmt: skip
    make.beat("policy", timezone.now(), last_error=f"refused: {'K' * 63}1")
    run("--bundle", str(var / "help.zip"))
    with zipfile.ZipFile(var / "help.zip") as archive:
        whole = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "K" * 63 not in whole and "refused: [removed]" in whole


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("password: hunter22", "password: [removed]"),
        ('{"apiKey": "abc", "n": 1}', '{"apiKey": [removed], "n": 1}'),
        ("redis://:pw@localhost/0", "redis://:[removed]@localhost/0"),
        ("Bearer abc.def", "Bearer [removed]"),
        ("nothing to hide", "nothing to hide"),
        ("?symbol=BTCUSDT&signature=00ff", "?symbol=BTCUSDT&signature=[removed]"),
    ],
)
def test_what_looks_like_a_secret_is_removed(text, kept):
    assert bundle.redacted(text, []) == kept


def test_sentences_stay_whole_in_every_language():
    seen = diagnosis(holdings=(holding(SYMBOLS[1], stop_seen_at=ago(seconds=38)),))
    problem = next(one for one in seen.problems if one.point.probe == "position_monitor.verified")
    for language in ("en", "nb"):
        with translation.override(language):
            assert "ETH/USDT" in say(problem.point.code, problem.point.params)


def test_the_default_folder_is_made(var):
    run("--report")
    assert [path.suffix for path in Path(var / "reports").iterdir()] == [".md"]
