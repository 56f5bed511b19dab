"""What a start would say now: the settings file may have changed since this process read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantum.config import SECRETS, Config, ConfigError

HIDDEN = "not shown, being a secret"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A setting that the next start would read differently."""

    name: str
    running: str
    next: str


@dataclass(frozen=True, slots=True)
class Reread:
    """`refusals` are the sentences with which a start would be refused; `waiting` what it would change."""

    refusals: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def reread(running: Config, again: Callable[[], Config]) -> Reread:
    """Compare what runs with what the next start would read."""
    try:
        other = again()
    except ConfigError as error:
        return Reread(refusals=tuple(error.problems))
    names = [name for name in type(running).model_fields if getattr(running, name) != getattr(other, name)]
    return Reread(waiting=tuple(Waiting(name, said(running, name), said(other, name)) for name in names))


def said(config: Config, name: str) -> str:
    value = getattr(config, name)
    if name in SECRETS:
        return HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    return "not set" if value in (None, "") else str(getattr(value, "value", value))
