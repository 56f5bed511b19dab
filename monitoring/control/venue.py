"""The way to a venue, as people walk it: name the keys, have everything checked, start; and stop again.

The environment is a ceiling: nothing here raises the mode. Keys may be named and looked at from any mode; entries at a
venue are allowed from a house that was started in that venue's mode, by a person, after all checks have passed there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from monitoring.control import audit, venuekeys
from monitoring.control.actions.common import BadRequest, Stale, Unreachable, needed, tidy
from monitoring.control.permissions import person
from trading import events
from trading.exchange import rows
from trading.models import PreflightRun, VenueKeys, VenueStart

TESTNET = "testnet"
BETWEEN = timedelta(seconds=10)  # two rounds of checks
WINDOW, MOST = timedelta(minutes=10), 10  # rounds in a while: each is some forty requests at the venue
PROOF_LASTS = timedelta(hours=1)  # older checks prove nothing about today's key, clock and account
PANELS = ("preflight", "verdict", "ribbon")


class TooSoon(RuntimeError):
    """The last round of checks is too near, or there were too many; `seconds` says when the next may begin."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__(_("The next round of checks may begin in %(n)s s.") % {"n": self.seconds})


@dataclass(frozen=True, slots=True)
class Keys:
    """Both parts of a venue's key, and where they came from. Never shown, never stored, never logged."""

    key: str
    secret: str
    source: str  # environment, pasted, file

    def __repr__(self) -> str:
        return f"Keys(from {self.source})"

    @property
    def last_four(self) -> str:
        return self.key[-4:]

    @property
    def account(self) -> str:
        return rows.account_of(self.key)


# -- keys --------------------------------------------------------------------------------------------------------------


def paste_keys(key: str, secret: str, who: Any, now: datetime) -> VenueKeys:
    """Keep pasted keys in two files of the var folder that only their owner reads."""
    actor = person(who)
    actor.must("venue.keys")
    texts = {"key": venuekeys.shaped("key", key), "secret": venuekeys.shaped("secret", secret)}
    if texts["key"] == texts["secret"] and not settings.QUANTUM.stand_in_url:
        raise BadRequest("secret", _("secret is the same as key: the exchange shows two different texts."))
    paths = {name: venuekeys.place(TESTNET, name) for name in venuekeys.NAMES}
    with transaction.atomic():
        audit.lock()
        row = remember(paths["key"], paths["secret"], texts["key"], actor.name, now, "venue.keys.paste")
        for name in venuekeys.NAMES:  # before the commit: a row that names files which are not there helps nobody
            venuekeys.write(paths[name], texts[name])
    return row


def name_keys(key_file: str, secret_file: str, who: Any, now: datetime) -> VenueKeys:
    """Use the operator's own files; they are read here once, to see that each holds a key."""
    actor = person(who)
    actor.must("venue.keys")
    key = venuekeys.read("key_file", key_file)
    venuekeys.read("secret_file", secret_file)
    paths = venuekeys.located("key_file", key_file), venuekeys.located("secret_file", secret_file)
    with transaction.atomic():
        audit.lock()
        return remember(*paths, key, actor.name, now, "venue.keys.name")


def remember(key_file: Any, secret_file: Any, key: str, by: str, now: datetime, action: str) -> VenueKeys:
    """Where the keys lie, and the key's last four characters: enough to tell two keys apart."""
    before = VenueKeys.objects.filter(mode=TESTNET).order_by("-id").first()
    row = VenueKeys.objects.create(
        mode=TESTNET,
        key_file=venuekeys.shown(key_file),
        secret_file=venuekeys.shown(secret_file),
        last_four=key[-4:] if len(key) >= 16 else "",  # of a short one that would be too much
        set_by=by,
        set_at=now,
    )
    audit.append(
        who=by,
        action=action,
        target=TESTNET,
        before={"key_file": before.key_file, "last_four": before.last_four} if before else {},
        after={"key_file": row.key_file, "secret_file": row.secret_file, "last_four": row.last_four},
        now=now,
    )
    events.changed(*PANELS)
    return row


def named_keys() -> VenueKeys | None:
    return VenueKeys.objects.filter(mode=TESTNET).order_by("-id").first()


def keys_at_hand() -> Keys | None:
    """The keys a check would use: in testnet mode those of the environment, elsewhere those that were named last."""
    config = settings.QUANTUM
    if config.mode == TESTNET:
        return Keys(config.QT_API_KEY, config.QT_API_SECRET, "environment")
    row = named_keys()
    if row is None:
        return None
    return Keys(venuekeys.read("key_file", row.key_file), venuekeys.read("secret_file", row.secret_file), "file")


# -- checks ------------------------------------------------------------------------------------------------------------


def request_checks(who: Any, now: datetime, here: bool = False, reason: str = "") -> PreflightRun:
    """Ask for one round of checks: in testnet mode all, elsewhere those that only read.

    A worker makes them, or whoever asked does so `here`. The request is on record before the venue is asked anything.
    """
    actor, reason = person(who), tidy(reason)
    actor.must("venue.check")
    config = settings.QUANTUM
    if config.mode not in ("practice", "paper", TESTNET):
        raise BadRequest(
            "mode", _("Checks are made for testnet mode, this house runs in %(mode)s.") % {"mode": config.mode}
        )
    keys = keys_at_hand()
    if keys is None:
        raise BadRequest("keys", _("No keys are named yet: paste them, or name their files."))
    with transaction.atomic():
        audit.lock()
        not_too_often(now)
        run = PreflightRun.objects.create(
            mode=TESTNET,
            venue=config.testnet_venue,
            account=keys.account,
            full=config.mode == TESTNET,
            requested_by=actor.name[:80],
            requested_at=now,
        )
        after = {"checks": run.pk, "account": run.account, "full": run.full}
        audit.append(who=actor.name, action="venue.check.request", target=run.venue[:120], after=after, reason=reason,
                     now=now)  # fmt: skip
        events.changed(*PANELS)
    if not here:
        ring(run, actor.name, now)
    return run


def not_too_often(now: datetime) -> None:
    last = PreflightRun.objects.order_by("-id").first()
    if last is None:
        return
    if rows.running(now) is not None:
        raise Stale(_("A round of checks is being made already: it takes less than a minute."))
    if now - last.requested_at < BETWEEN:
        raise TooSoon((last.requested_at + BETWEEN - now).total_seconds())
    recent = PreflightRun.objects.filter(requested_at__gt=now - WINDOW).order_by("requested_at")
    if len(begun := list(recent.values_list("requested_at", flat=True))) >= MOST:
        raise TooSoon((begun[-MOST] + WINDOW - now).total_seconds())


def ring(run: PreflightRun, by: str, now: datetime) -> None:
    """The worker's bell; where nobody hears it, the request is taken back."""
    if not events.ring("monitoring.preflight", run.pk, queue="work"):
        with transaction.atomic():
            before = {"checks": run.pk}
            run.delete()
            audit.append(who=by, action="venue.check.withdraw", target=run.venue[:120], before=before, now=now)
        raise Unreachable(_("The queue does not answer, so nothing was checked. Try again."))


def carry_out(run_id: int, clock: Any) -> PreflightRun | None:
    """The worker's part: make the checks, and put on record what they were and what they changed at the venue."""
    from trading.exchange.connection import Connection
    from trading.exchange.gateway import connect
    from trading.orders import preflight

    config = settings.QUANTUM
    wanted = PreflightRun.objects.filter(pk=run_id).first()
    keys = keys_at_hand()
    if wanted is None or keys is None or keys.account != wanted.account:
        return None
    connection = Connection(config.stand_in_url, keys.key, keys.secret, TESTNET)
    run = preflight.run(run_id, connect(connection, clock=clock, patience=preflight.PATIENCE), clock)
    if run is None:
        return None
    changed: dict[str, Any] = next(
        (c["facts"] for c in run.checks if c["check"] == "settings" and "symbol" in c["facts"]), {}
    )
    audit.append(
        who=run.requested_by,
        action="venue.check",
        target=run.venue[:120],
        before=set_up(changed, "was_mode", "was_leverage"),
        after={"passed": run.passed, "answers": {c["check"]: c["answer"] for c in run.checks}}
        | set_up(changed, "mode", "leverage"),
        now=clock(),
    )
    return run


def set_up(facts: dict[str, Any], mode: str, leverage: str) -> dict[str, Any]:
    """A symbol's margin mode and leverage, for the audit row; nothing where none were set."""
    if not facts:
        return {}
    return {"symbol": facts["symbol"], "margin_mode": facts[mode], "leverage": facts[leverage]}


# -- start and stop ----------------------------------------------------------------------------------------------------


def start(reason: str, who: Any, now: datetime, shown: int | None = None) -> VenueStart:
    """Allow entries at this venue, after its checks have passed. `shown`: the round that the page showed."""
    actor = person(who)
    actor.must("venue.start")
    config = settings.QUANTUM
    if config.mode != TESTNET:
        said = _(
            "This house runs in %(mode)s mode. The environment decides: set QT_MODE=testnet there and start again."
        )
        raise BadRequest("mode", said % {"mode": config.mode})
    reason = needed(reason, _("Starting"))
    with transaction.atomic():
        audit.lock()
        last = newest()
        if shown is not None and (last is None or last.pk != shown):
            raise Stale(_("The checks on the page are not the newest ones any more. Look at it anew."))
        waiting = rows.waiting()
        if last is None or waiting.keys() & {"unchecked", "failed"}:
            raise BadRequest("checks", _("The checks have not passed with this key, so there is nothing to start yet."))
        row = VenueStart.objects.filter(**rows.here()).order_by("-id").first()
        if row is not None and not waiting:
            return row
        if last.finished_at is None or now - last.finished_at > PROOF_LASTS:
            most = f"{PROOF_LASTS.total_seconds() / 60:.0f}"
            said = _("The checks were made more than %(most)s minutes ago: make them again, then start.")
            raise BadRequest("checks", said % {"most": most})
        return moved(VenueStart.STARTED, last, reason, actor.name, now)


def stop(reason: str, who: Any, now: datetime) -> VenueStart | None:
    """Hold entries at this venue again: one click. What is open is looked after as before. None: was never started."""
    actor = person(who)
    actor.must("venue.stop")
    with transaction.atomic():
        audit.lock()
        row = VenueStart.objects.filter(**rows.here()).order_by("-id").first()
        if row is None or row.state == VenueStart.STOPPED:
            return row
        return moved(VenueStart.STOPPED, None, tidy(reason), actor.name, now)


def moved(state: str, run: PreflightRun | None, reason: str, by: str, now: datetime) -> VenueStart:
    row = VenueStart.objects.create(**rows.here(), state=state, run=run, at=now, by=by[:80], reason=reason)
    audit.append(
        who=by,
        action=f"venue.{'start' if state == VenueStart.STARTED else 'stop'}",
        target=row.venue[:120],
        after={"state": state, "mode": row.mode, "account": row.account, "checks": run.pk if run else None},
        reason=reason,
        now=now,
    )
    events.changed(*PANELS, "funnel")
    return row


def newest() -> PreflightRun | None:
    """The last finished full round at this venue with the key in use."""
    return PreflightRun.objects.filter(**rows.here(), full=True, finished_at__isnull=False).order_by("-id").first()
