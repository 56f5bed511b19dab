"""The bundle for somebody who helps: probes, settings, modules, recent errors, versions; no keys, no passwords."""

from __future__ import annotations

import contextlib
import io
import json
import platform
import sys
import zipfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from monitoring.watch import doctor, document
from monitoring.watch.doctor import Diagnosis
from monitoring.watch.probes.machine import tail
from quantum.config import SECRETS
from quantum.loglines import TROUBLE, parse
from quantum.redaction import REMOVED, scrubbed
from trading.models import ModuleState, VenueKeys

LARGEST_KEY = 4096  # bytes of a key's file
SHORTEST = 4  # a shorter secret would take half the text with it
LINES = 400  # of each log


def bundle(seen: Diagnosis) -> bytes:
    """A zip, its texts redacted one by one."""
    known = secrets()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files(seen):
            archive.writestr(name, redacted(text, known))
    return out.getvalue()


def files(seen: Diagnosis) -> Iterable[tuple[str, str]]:
    yield "report.md", document.markdown(document.document(seen))
    yield "probes.json", dumps(doctor.as_json(seen))
    yield "settings.json", dumps(tuned())
    yield "modules.json", dumps(list(ModuleState.objects.order_by("name").values()))
    yield "versions.json", dumps(versions())
    for path in sorted((Path(settings.VAR) / "log").glob("*.log")):
        yield f"errors/{path.name}", "\n".join(errors(path))


def errors(path: Path) -> list[str]:
    """The newest lines of a log that tell of trouble, tracebacks included."""
    try:
        lines = tail(path).decode(errors="replace").splitlines()
    except OSError as error:
        return [f"can't be read: {error.strerror}"]
    kept, telling = [], False
    for line in lines:
        if (record := parse(line)) is not None:
            telling = record.level in TROUBLE
        if telling or "Traceback" in line:
            kept.append(line)
    return kept[-LINES:]


def tuned() -> dict[str, Any]:
    """Every setting; of a secret only whether it is set."""
    values = settings.QUANTUM.model_dump()
    return {name: ("set" if value else "not set") if name in SECRETS else value for name, value in values.items()}


def versions() -> dict[str, Any]:
    return {
        "quantum": {"version": settings.VERSION, "build": settings.BUILD},
        "python": sys.version,
        "platform": platform.platform(),
        "database": {"vendor": connection.vendor, "version": server()},
        "packages": {item.metadata["Name"]: item.version for item in metadata.distributions()},
    }


def server() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        return str(cursor.fetchone()[0])


# -- what must not leave ----------------------------------------------------------------------------------------------


def secrets() -> list[str]:
    """Every secret that this process knows, and the keys that were named for a venue, the longest first."""
    values = settings.QUANTUM.model_dump()
    known = {str(values[name]) for name in SECRETS if values.get(name)} | {settings.SECRET_KEY} | named_keys()
    known |= {password for text in list(known) if (password := passwords(text))}
    return sorted((text for text in known if len(text) >= SHORTEST), key=len, reverse=True)


def named_keys() -> set[str]:
    """What the files hold that somebody named as a venue's keys, old ones too; whatever can't be read is no secret."""
    paths = {path for pair in VenueKeys.objects.values_list("key_file", "secret_file") for path in pair}
    found = set()
    for path in paths:
        whole = Path(settings.BASE_DIR) / path
        with contextlib.suppress(OSError, ValueError):
            if whole.is_file() and whole.stat().st_size <= LARGEST_KEY:
                found.add(whole.read_text().strip())
    return found


def passwords(text: str) -> str:
    try:
        return urlsplit(text).password or ""
    except ValueError:
        return ""


def redacted(text: str, known: Iterable[str]) -> str:
    """The text without the secrets that are known, and without whatever looks like one."""
    for secret in known:
        text = text.replace(secret, REMOVED)
    return scrubbed(text)


def dumps(value: Mapping[str, Any] | list) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False, default=None)
