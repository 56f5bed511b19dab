"""A venue's keys as files that only their owner reads: written once, shown never, judged by their shape alone."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from monitoring.control.actions.common import BadRequest

FOLDER = "keys"
LARGEST = 4096  # bytes of a key's file
ALWAYS = re.compile(r"[A-Za-z0-9_\-]{1,128}")  # what a practice exchange takes
VENUES = re.compile(r"[A-Za-z0-9]{64}")  # what the venue gives out for HMAC
NAMES = ("key", "secret")


def shaped(field: str, value: str) -> str:
    """The key, or a `BadRequest` that says what it should look like and never what it was."""
    text = value.strip()
    if not text:
        raise BadRequest(field, _("%(field)s is empty.") % {"field": field})
    if settings.QUANTUM.stand_in_url:
        if not ALWAYS.fullmatch(text):
            wanted = _("%(field)s must be 1 to 128 letters, digits, _ or -; it had %(n)s characters.")
            raise BadRequest(field, wanted % {"field": field, "n": len(text)})
    elif not VENUES.fullmatch(text):
        wanted = _(
            "%(field)s must be exactly 64 letters and digits, as the exchange shows it; it had %(n)s characters."
        )
        raise BadRequest(field, wanted % {"field": field, "n": len(text)})
    return text


def place(mode: str, name: str) -> Path:
    """Where a pasted key is kept: var/keys/<mode>.key and .secret."""
    return settings.QUANTUM.var / FOLDER / f"{mode}.{name}"


def write(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read(field: str, name: str) -> str:
    """The key in a file that somebody named. Whatever else the file may hold, nothing of it is told."""
    path = located(field, name)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a pipe must not hold us
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
                said = _("%(field)s: %(path)s is no file of at most %(n)s bytes that holds a key alone.")
                raise BadRequest(field, said % {"field": field, "path": name, "n": LARGEST})
            if found.st_mode & stat.S_IROTH:
                said = _("%(field)s: everybody on this machine can read %(path)s. Run chmod 600 on it first.")
                raise BadRequest(field, said % {"field": field, "path": name})
            text = file.read(LARGEST).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or _("not a key")
        said = _("%(field)s: %(path)s can't be read (%(why)s).")
        raise BadRequest(field, said % {"field": field, "path": name, "why": reason}) from None
    return shaped(field, text)


def located(field: str, name: str) -> Path:
    """The file that a text names, seen from the project's folder."""
    text = name.strip()
    if not text or len(text) > 300 or not text.isprintable():
        raise BadRequest(field, _("%(field)s must name a file in 1 to 300 printable characters.") % {"field": field})
    return Path(settings.BASE_DIR) / text


def shown(path: Path) -> str:
    """As a line of .env names it: from the project's folder, or whole where it lies elsewhere."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(settings.BASE_DIR))
    return str(path)
