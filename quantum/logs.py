"""How every process logs: lines of text or of JSON on its standard error, without secrets, and never in its way."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from quantum.redaction import Redaction, address_parts, passwords

USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LONGEST = 20_000  # characters of a message or a traceback that are written
TEXT, JSON = "text", "json"


def known_secrets(values: dict[str, Any], *more: str) -> set[str]:
    """Every secret among the settings, and those parts of addresses that are one."""
    addresses = [str(values[name]) for name in ("DATABASE_URL", "REDIS_URL") if values.get(name)]
    found = {str(values[name]) for name in ("QT_API_KEY", "QT_API_SECRET", "QT_SECRET_KEY") if values.get(name)}
    found |= address_parts(str(values.get("QT_ALERT_URLS") or ""))
    return found | {part for address in addresses for part in passwords(address)} | set(more)


def settings(form: str, build: str, secrets: set[str], argv: Sequence[str]) -> dict[str, Any]:
    """Django's LOGGING. Every logger ends in the one handler: there is no other way out."""
    redact = Redaction(secrets)
    line = {"()": Json, "redact": redact, "process": process_name(argv), "build": build}
    if form == TEXT:
        line = {"()": Text, "redact": redact}
    ours = {name: {"level": "INFO"} for name in ("trading", "monitoring", "quantum")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"err": {"class": "quantum.logs.Steady", "formatter": "line"}},
        "root": {"handlers": ["err"], "level": "WARNING"},
        "loggers": ours | {name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
    }


def configure(told: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: also what nobody caught is written without secrets."""
    logging.config.dictConfig(told)
    line = told["formatters"]["line"]
    hook = uncaught(line["redact"], as_record=line["()"] is Json)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = hook
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: hook(told.exc_type, told.exc_value, told.exc_traceback)
    if line["()"] is Json:
        logging.captureWarnings(True)


def uncaught(redact: Redaction, *, as_record: bool) -> Callable[..., None]:
    def tell(kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
        if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error or kind(), trace)
        elif as_record:
            logging.getLogger("quantum").critical("nobody caught this", exc_info=(kind, error, trace))
        else:
            sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))

    return tell


def process_name(argv: Sequence[str]) -> str:
    """Which of our processes this is: worker, trainer, beat, web, stream, or the command's name."""
    words = [PurePath(argv[0]).name if argv else "python", *argv[1:]]
    if "-n" in words[:-1]:
        return words[words.index("-n") + 1].partition("@")[0]
    if "beat" in words and "manage.py" not in words:
        return "beat"
    if argv and PurePath(argv[0]).parts[-2:] == ("quantum", "web.py"):
        return "web"
    return words[1] if words[0] == "manage.py" and len(words) > 1 else words[0]


class Text(logging.Formatter):
    """A line for people. A second line of a message is set in, so that no message can pretend to be another record."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", style="{")
        self.converter = time.gmtime
        self.redact = redact

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = "\n    ".join(record.message[:LONGEST].splitlines())
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return self.redact(super().format(record))


class Json(logging.Formatter):
    """A line for machines: time, level, logger, process, pid, build, message, context, and the error with its trace."""

    def __init__(self, redact: Redaction, process: str, build: str) -> None:
        super().__init__()
        self.redact, self.process, self.build = redact, process, build

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": self.process,
            "pid": os.getpid(),
            "build": self.build,
            "message": self.redact(record.getMessage()[:LONGEST]),
            "context": self.redact.value({k: v for k, v in vars(record).items() if k not in USUAL}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            told["error"] = {
                "type": type(error).__name__,
                "text": self.redact(str(error)[:LONGEST]),
                "traceback": self.redact(self.formatException(record.exc_info)[-LONGEST:]),
            }
        return json.dumps(told, ensure_ascii=False)


class Steady(logging.StreamHandler):
    """Goes on whatever becomes of the file: lines that could not be written are counted, and told when some are."""

    lost = 0
    telling = False

    def emit(self, record: logging.LogRecord) -> None:
        before = self.lost
        super().emit(record)
        if before and before == self.lost and not self.telling:
            self.lost, self.telling = 0, True
            super().emit(logging.makeLogRecord(missing(before)))
            self.telling = False

    def handleError(self, record: logging.LogRecord) -> None:
        self.lost += 1


def missing(count: int) -> dict[str, Any]:
    message = f"{count} lines before this one could not be written"
    return {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": message}
