"""Every process logs lines without secrets, as text or as JSON, and nothing that happens to the log stops it."""

import io
import json
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from quantum import logs
from quantum.childlogs import errors
from quantum.config import BASE, ConfigError, load
from quantum.loglines import parse
from quantum.redaction import Redaction

CANARIES = {
    "QT_API_KEY": "CANARYkey0001abcdef",
    "QT_API_SECRET": "CANARYsecret0002abcdef",
    "QT_SECRET_KEY": "CANARYsigning0003" + "x" * 40,
    "QT_ALERT_URLS": "jsons://CANARYuser04:CANARYpass0005@hooks.example.com/CANARYtoken0006",
    "REDIS_URL": "redis://:CANARYredis0007@127.0.0.1:1/0",
}
SCRIPT = """
import json, logging, sys, threading, warnings
import django
django.setup()
from django.conf import settings
from celery import shared_task
q = settings.QUANTUM
log = logging.getLogger("trading.orders")
every = [q.QT_API_KEY, q.QT_API_SECRET, settings.SECRET_KEY, q.QT_ALERT_URLS, q.REDIS_URL, "CANARYredis0007"]
for secret in every:
    log.info("sent with %s", secret, extra={"headers": {"X-MBX-APIKEY": secret}, "url": f"/x?signature={secret}"})
    logging.getLogger("some.library").warning("the address was https://x/?key=%s", secret)
    logging.getLogger("django.request").error("Internal Server Error: /x", extra={"cookie": secret})
    try:
        raise ValueError(f"refused: {secret} {json.dumps({'apiKey': secret})}")
    except ValueError:
        log.exception("it failed with %r", {"secret": secret})
log.warning("sessionid=CANARYsession08; csrftoken=CANARYcsrf09 Authorization: Bearer CANARYbearer10 #t=CANARYlogin11")

@shared_task(name="canary")
def fails(key, secret=""):
    raise RuntimeError(f"task with {key} and {secret}")

fails.apply(args=(q.QT_API_KEY,), kwargs={"secret": q.QT_API_SECRET})
thread = threading.Thread(target=lambda: 1 / len(str(q.QT_API_KEY)[:0]))
thread.start(); thread.join()
raise SystemError("nobody caught " + q.QT_API_SECRET)
"""


def run(form: str, tmp_path, script: str = SCRIPT, **more: str) -> subprocess.CompletedProcess:
    environ = {"PATH": "/usr/bin:/bin", "QT_VAR": str(tmp_path / "var"), "QT_ENV_FILE": "/dev/null"}
    environ |= {"DJANGO_SETTINGS_MODULE": "quantum.settings", "QT_LOG_FORMAT": form} | CANARIES | more
    return subprocess.run(
        [sys.executable, "-c", script], cwd=BASE, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_canary_is_found_nowhere(form, tmp_path):
    """In messages, extras, tracebacks, Celery's arguments, a thread's end and the process's end."""
    done = run(form, tmp_path)
    written = done.stderr + done.stdout
    assert done.returncode == 1
    assert written.count("CANARY") == 0, [line for line in written.splitlines() if "CANARY" in line][:3]
    assert "[removed]" in written
    for told in ("sent with", "it failed with", "RuntimeError: task with", "Internal Server Error", "ZeroDivisionError",
                 "SystemError: nobody caught"):  # fmt: skip
        assert told in written


def test_every_line_of_json_is_one_record(tmp_path):
    lines = [json.loads(line) for line in run("json", tmp_path).stderr.splitlines()]
    assert all(
        set(line) - {"error"} == {"time", "level", "logger", "process", "pid", "build", "message", "context"}
        for line in lines
    )
    first = lines[0]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(first["time"])) < timedelta(minutes=2)
    assert (first["level"], first["logger"], first["process"]) == ("INFO", "trading.orders", "-c")
    assert first["context"] == {"headers": {"X-MBX-APIKEY": "[removed]"}, "url": "/x?signature=[removed]"}
    failed = next(line for line in lines if "error" in line)
    assert failed["error"]["type"] == "ValueError"
    assert "Traceback" in failed["error"]["traceback"]
    assert any(line["logger"] == "celery.app.trace" for line in lines)
    assert lines[-1]["level"] == "CRITICAL"


def test_the_supervisor_reads_errors_in_both_formats(tmp_path):
    told = {form: list(errors(run(form, tmp_path).stderr.splitlines())) for form in ("text", "json")}
    for form, found in told.items():
        assert any("django.request: Internal Server Error: /x" in line for line in found), form
        assert any("trading.orders: it failed with" in line and "ValueError: refused" in line for line in found), form
        assert any("SystemError: nobody caught [removed]" in line for line in found), form


def record(message: str, **more) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "x.y", "levelname": "ERROR", "levelno": 40, "msg": message} | more)


def test_a_message_cannot_pretend_to_be_another_record():
    forged = "name\n2026-03-02 12:00:00,123 CRITICAL x: forged"
    text = logs.Text(Redaction()).format(record(forged))
    assert [parse(line) is not None for line in text.split("\n")] == [True, False]
    assert logs.Json(Redaction(), "web", "abc").format(record(forged)).count("\n") == 0


@pytest.mark.parametrize("formatter", [logs.Text(Redaction()), logs.Json(Redaction(), "web", "abc")])
def test_a_written_line_is_read_as_it_was_meant(formatter):
    at = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)
    told = parse(formatter.format(record("it failed", created=at.timestamp(), msecs=0)))
    assert (told.at, told.level, told.text) == (at, "ERROR", "x.y: it failed")


@pytest.mark.parametrize("line", ["", "{", "{}", '{"time": 3}', "[]", "Traceback", "2026-03-02 hello", '{"time": "x"}'])
def test_what_is_no_record_is_none(line):
    assert parse(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "2026-02-30 25:61:61,123 ERROR x: y",
        "2026-02-28 24:00:01,123 ERROR x: y",
        "0000-01-01 00:00:00,123 ERROR x: y",
        '{"time": "2026-02-30T12:00:00+00:00", "level": "ERROR", "logger": "x", "message": "y"}',
        '{"time": "2026-02-28T12:00:00", "level": "ERROR", "logger": "x", "message": "y"}',
        '{"a":' * 3000,
    ],
)
def test_what_has_no_time_that_there_is_is_none(line):
    """Such a line is written by whoever wishes; whoever counts errors must not end by it."""
    assert parse(line) is None


def test_what_can_not_be_written_is_counted_and_told_once_there_is_room():
    handler = logs.Steady(open("/dev/full", "w"))  # noqa: SIM115 - a disk without room
    handler.setFormatter(logs.Text(Redaction()))
    for _ in range(3):
        handler.emit(record("lost"))
    assert handler.lost == 3
    full, out = handler.stream, io.StringIO()
    handler.stream = out
    handler.emit(record("written"))
    handler.emit(record("and again"))
    lines = out.getvalue().splitlines()
    assert [line.partition(": ")[2] for line in lines] == [
        "written", "3 lines before this one could not be written", "and again",
    ]  # fmt: skip
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_a_full_disk_does_not_stop_a_process(tmp_path):
    script = SCRIPT.partition("raise SystemError")[0] + "print('went on')"
    environ = {"PATH": "/usr/bin:/bin", "QT_VAR": str(tmp_path / "var"), "QT_ENV_FILE": "/dev/null"}
    environ |= {"DJANGO_SETTINGS_MODULE": "quantum.settings"} | CANARIES
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=BASE, env=environ, stdout=subprocess.PIPE, stderr=full, timeout=60,
            check=False,
        )  # fmt: skip
    assert done.stdout == b"went on\n"


def test_a_message_that_can_not_be_formatted_is_counted_and_harms_nobody():
    out = io.StringIO()
    handler = logs.Steady(out)
    handler.setFormatter(logs.Text(Redaction()))
    handler.emit(record("%d signals", args=("many",)))
    assert (handler.lost, out.getvalue()) == (1, "")


def test_every_handler_of_every_logger_writes_without_secrets():
    """No logger has a way out of its own, Django's included."""
    known = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    ours = [h for logger in known for h in logger.handlers if type(h).__module__ not in ("_pytest.logging", "logging")]
    assert ours
    assert all(isinstance(h, logs.Steady) and hasattr(h.formatter, "redact") for h in ours), ours


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/x/celery/__main__.py", "-q", "-A", "quantum", "worker", "-n", "trainer@%h"], "trainer"),
        (["/x/celery/__main__.py", "-q", "-A", "quantum", "beat"], "beat"),
        (["/x/quantum/web.py", "-b", "127.0.0.1"], "web"),
        (["manage.py", "stream"], "stream"),
        (["manage.py"], "manage.py"),
        (["/usr/bin/pytest", "-q"], "pytest"),
        ([], "python"),
    ],
)
def test_a_process_knows_its_name(argv, name):
    assert logs.process_name(argv) == name


def test_the_format_is_text_or_json():
    assert load({}).QT_LOG_FORMAT == "text"
    assert load({"QT_LOG_FORMAT": "json"}).fingerprint == load({}).fingerprint
    with pytest.raises(ConfigError, match="QT_LOG_FORMAT must be 'text' or 'json'; it was 'xml'"):
        load({"QT_LOG_FORMAT": "xml"})
