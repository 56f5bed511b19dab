"""The first user of an installation: made once, shown once, kept in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from monitoring.control import apikeys, audit
from monitoring.control.permissions import ADMIN, ROLES, grant, machine

NAME = "admin"


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str
    api_key: str

    def text(self) -> str:
        return f"user: {self.user}\npassword: {self.password}\napi_key: {self.api_key}\n"


def ensure(path: Path, now: datetime) -> Credentials | None:
    """Make the first user where there is no user yet; the credentials where one was made.

    A file left by another database of this installation gives the credentials, so that one login opens all of them.
    """
    with transaction.atomic():
        audit.lock()
        if User.objects.exists():
            return None
        told = read(path) or Credentials(NAME, secrets.token_urlsafe(15), "qt_" + secrets.token_urlsafe(32))
        user = User.objects.create_superuser(told.user, password=told.password)
        grant(user, ROLES)
        apikeys.create(user, now, key=told.api_key)
        audit.append(
            who=machine("first start").name,
            action="user.create",
            target=told.user,
            after={"roles": list(ROLES)},
            reason="the first user holds all roles",
            now=now,
        )
        write(path, told)  # before the commit: a user whose password nobody knows would be worse than a stale file
    return told


def read(path: Path) -> Credentials | None:
    """The credentials in the file; None where there is none or it is not ours."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    found = dict(line.split(": ", 1) for line in lines if ": " in line)
    if not {"user", "password", "api_key"} <= set(found) or not all(found.values()):
        return None
    return Credentials(found["user"], found["password"], found["api_key"])


def write(path: Path, told: Credentials) -> None:
    """Replace the file in one step, readable by its owner alone."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(told.text())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def owner() -> User | None:
    """The user for whom the login link is made: the oldest active one with the admin role."""
    return User.objects.filter(is_active=True, groups__name=ADMIN).order_by("id").first()
