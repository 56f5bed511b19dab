"""What the page about the money shows: days, both sides of what is there, the canary's steps, slippage by plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.show import controls
from monitoring.show.controls import NO_REASON, Control
from monitoring.show.scene import Scene
from monitoring.watch import money, money_words, slippage
from monitoring.watch.money import Day, Money, Proof, Verdict
from monitoring.watch.words import age, grouped, market, price
from trading.models import Order
from trading.orders import proving
from trading.positions import books

EXITS = 500  # the newest ones, over which slippage is measured
LAST_EXITS = 10
SHAPES = {"ok": "ok", "fail": "fail", "unknown": "unknown"}
PAIR_SHAPES = {"agrees": "ok", "differs": "warn", "missing": "warn", "external": "warn"}
ZERO = Decimal(0)


def everything(scene: Scene) -> Money:
    """Four queries."""
    return money.read(settings.QUANTUM.mode, scene.now)


def agreement(scene: Scene) -> Verdict:
    return money.agreement(scene.once(everything), scene.now)


def contract(scene: Scene) -> Verdict:
    return money.contract(scene.once(everything), scene.now)


def looked_at(scene: Scene) -> datetime | None:
    look = scene.once(everything).look
    return look.at if look else None


def checked_at(scene: Scene) -> datetime | None:
    return max((day.checked_at for day in scene.once(everything).days), default=None)


# -- the headline ------------------------------------------------------------------------------------------------------


def headline(scene: Scene) -> dict[str, Any]:
    """The books' verdict, then what is there now and the stops; what to do where something is wrong."""
    said, stops, seen = scene.once(agreement), scene.once(contract), scene.once(everything)
    sentences = [sentence for sentence in (there(seen), money_words.proof(stops)) if sentence]
    worst = {"fail": "fail", "unknown": "warn", "ok": "ok"}[said.state]
    if stops.state == "fail":
        worst = "fail"
    return {
        "sentence": money_words.sentence(said),
        "lead": " ".join(sentences),
        "tone": worst,
        "steps": steps_to_take(said, stops),
        "now_control": controls.offer(reconcile_now(), scene.audience),
    }


def there(seen: Money) -> str:
    if seen.look is None:
        return ""
    if seen.look.agrees:
        return _("Positions and open orders are at the exchange as we have them.")
    said = []
    if n := seen.look.wrong:
        said.append(ngettext("%(n)s position or order differs.", "%(n)s positions or orders differ.", n) % {"n": n})
    if n := seen.look.external:
        said.append(ngettext("%(n)s is not ours.", "%(n)s are not ours.", n) % {"n": n})
    return " ".join(said)


def steps_to_take(said: Verdict, stops: Verdict) -> list[str]:
    """What a person can do about it."""
    steps = []
    if said.code == "books-differ":
        told = {"day": money_words.day(said.params["day"]), "market": market(said.params["symbol"])}
        steps += [
            _("Open %(day)s below and find the symbol and kind; compare its fills with the exchange's trade history.")
            % told,
            _("Press Reconcile now: what the exchange told late is booked by itself, and the day is compared anew."),
            _("If it stays, hold entries with the switch until it is explained: a wrong book makes every limit wrong."),
        ]
    if said.code == "books-old":
        steps.append(
            _("Press Reconcile now. If nothing happens, open the modules page: Reconciliation runs every 5 min.")
        )
    if stops.code == "stops-broken":
        steps += [
            _("Read below which endpoint refused and with which code, and look it up in the exchange's change log."),
            _("Open positions keep their stops as long as the exchange does; close them by hand if they vanish."),
            _("After an upgrade of ccxt, check again: an OK lets entries through by itself."),
        ]
    return steps


def reconcile_now() -> Control:
    return Control(
        action="tick",
        target="reconciliation",
        verb=_("Reconcile now"),
        title=_("Compare our books with the exchange's now?"),
        consequence=_(
            "Income, positions and open orders are read once; nothing is traded. What was told late is booked."
        ),
        go=_("Compare them"),
        stay=_("Leave it"),
        permit="module.tick",
        reason=NO_REASON,
    )


def check_stops() -> Control:
    return Control(
        action="tick",
        target="venue_canary",
        verb=_("Check the stops now"),
        title=_("Check the exchange's stops now?"),
        consequence=_(
            "Up to four stop orders of the smallest size go to a symbol without a position, and are taken back within "
            "a minute. No entry is sent on that symbol meanwhile."
        ),
        go=_("Check them"),
        stay=_("Leave it"),
        permit="module.tick",
        reason=NO_REASON,
    )


# -- days --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of money on one day. None where neither side had any."""

    ours: Decimal
    theirs: Decimal
    explained: Decimal

    @property
    def difference(self) -> Decimal:
        return self.theirs - self.explained - self.ours

    @property
    def differs(self) -> bool:
        return abs(self.difference) >= books.CENT


def days(scene: Scene) -> dict[str, Any]:
    rows = [day_row(one) for one in scene.once(everything).days[: money.SHOWN]]
    return {"rows": rows, "kinds": [money_words.kind(name) for name in books.COMPARED], "wanted": money.WANTED}


def day_row(one: Day) -> dict[str, Any]:
    cells = [(money_words.kind(name), cell(one, name)) for name in books.COMPARED]
    return {
        "day": one.day,
        "state": one.state,
        "shape": SHAPES[one.state],
        "word": state_word(one),
        "cells": cells,
        "worst": one.worst,
        "differs": one.worst >= books.CENT,
        "checked_at": one.checked_at,
        "wrong": [wrong_line(line) for line in one.wrong],
        "notes": [money_words.note(note) for note in one.notes],
    }


def state_word(one: Day) -> str:
    if one.state == "ok":
        return _("agrees")
    if one.state == "fail":
        return _("differs")
    return _("not told yet") if one.settled or one.worst >= books.CENT else _("not settled yet")


def cell(one: Day, kind: str) -> Cell | None:
    mine = [line for line in one.lines if line["kind"] == kind]
    if not mine:
        return None
    ours, theirs, explained = (
        sum((Decimal(line[name]) for line in mine), ZERO) for name in ("ours", "theirs", "explained")
    )
    return Cell(ours, theirs, explained)


def wrong_line(line: Mapping[str, str]) -> dict[str, Any]:
    amounts = {name: Decimal(line[name]) for name in ("ours", "theirs", "explained", "difference")}
    return {"kind": money_words.kind(line["kind"]), "symbol": line["symbol"]} | amounts


# -- what is there -----------------------------------------------------------------------------------------------------


def sides(scene: Scene) -> dict[str, Any]:
    look = scene.once(everything).look
    if look is None:
        return {"look": None, "positions": [], "orders": []}
    return {
        "look": look,
        "positions": [pair(one) for one in look.positions],
        "orders": [pair(one) for one in look.orders],
    }


def pair(one: Mapping[str, Any]) -> dict[str, Any]:
    told = {"shape": PAIR_SHAPES[one["state"]], "word": str(money_words.STATES[one["state"]])}
    return dict(one) | told | {name: written(one[name]) for name in ("ours", "theirs")}


def written(stored: str) -> str:
    if not stored:
        return ""
    return price(Decimal(stored)) if stored != "0" else _("at market")


# -- the canary --------------------------------------------------------------------------------------------------------


def canary(scene: Scene) -> dict[str, Any]:
    seen, said = scene.once(everything), scene.once(contract)
    newest = seen.runs[0] if seen.runs else None
    running = newest is not None and not newest.outcome and scene.now - newest.at < proving.DEAD
    offered = controls.offer(check_stops(), scene.audience) if seen.proves and not running else None
    return {
        "said": money_words.proof(said),
        "shape": SHAPES[said.state],
        "newest": newest,
        "running": running,
        "steps": [step_row(step) for step in newest.steps] if newest else [],
        "runs": [(one, SHAPES.get(one.outcome, "unknown"), came_to(one), took(one)) for one in seen.runs[:LAST_EXITS]],
        "check_control": offered,
        "proves": seen.proves,
    }


def step_row(step: Mapping[str, Any]) -> dict[str, Any]:
    calls = [
        {"endpoint": call["endpoint"], "code": "OK" if call["code"] == 0 else call["code"], "took_ms": call["took_ms"]}
        for call in step.get("calls", ())
    ]
    return {
        "key": step["step"],
        "title": str(money_words.STEPS.get(step["step"], step["step"])),
        "shape": SHAPES.get(step["outcome"], "unknown"),
        "why": money_words.step(step),
        "answer": step.get("answer"),
        "took": f"{grouped(step['took_ms'])} ms",
        "calls": calls,
    }


def came_to(one: Proof) -> str:
    return money_words.trouble(one.code, money.told_of(one).get("failed")) if one.code else "OK"


def took(one: Proof) -> str:
    return age(one.finished_at - one.at) if one.finished_at else ""


# -- slippage ----------------------------------------------------------------------------------------------------------


def exits(scene: Scene) -> list[slippage.Exit]:
    """The newest filled exits that had a trigger; one query."""
    kinds = ("stop", "backstop", "target")
    found = Order.objects.filter(intent__kind__in=kinds, intent__trigger__gt=0, filled__gt=0, average_price__gt=0)
    rows = found.order_by("-id").values_list(
        "id", "intent__symbol", "intent__kind", "intent__type", "intent__side", "intent__trigger", "intent__price",
        "average_price", "filled", "updated_at",
    )  # fmt: skip
    return [slippage.Exit(*row) for row in rows[:EXITS]]


def slips(scene: Scene) -> dict[str, Any]:
    found = scene.once(exits)
    plans = [(str(money_words.PLANS[plan.name]), plan) for plan in slippage.plans(found)]
    last = [(str(money_words.PLANS[one.plan]), one) for one in found[:LAST_EXITS]]
    return {"plans": plans, "last": last, "enough": slippage.ENOUGH, "most": EXITS}


def exited_at(scene: Scene) -> datetime | None:
    found = scene.once(exits)
    return found[0].at if found else None
