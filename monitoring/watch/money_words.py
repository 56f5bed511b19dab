"""Money's kinds, notes and verdicts, and the canary's steps, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import dateformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.watch.money import Verdict
from monitoring.watch.words import age, grouped, market

KINDS: Mapping[str, Promise] = {
    "REALIZED_PNL": gettext_lazy("Realised profit"),
    "COMMISSION": gettext_lazy("Fees"),
    "FUNDING_FEE": gettext_lazy("Funding"),
    "INSURANCE_CLEAR": gettext_lazy("Liquidation fees"),
    "TRADES": gettext_lazy("Trades against their fills"),
}
NOTES: Mapping[str, Promise] = {
    "external": gettext_lazy(
        "%(kind)s %(amount)s on %(market)s: not our orders, somebody else trades on this account."
    ),
    "pending": gettext_lazy("%(kind)s %(amount)s on %(market)s: its position has not been looked at since."),
    "moved": gettext_lazy("%(kind)s %(amount)s: money moved or granted, no result of trading."),
    "other_asset": gettext_lazy("%(kind)s %(amount)s on %(market)s: paid in another coin, not compared in USDT."),
}
STATES: Mapping[str, Promise] = {
    "agrees": gettext_lazy("agrees"),
    "differs": gettext_lazy("differs"),
    "missing": gettext_lazy("not at the exchange"),
    "external": gettext_lazy("not ours"),
}
STEPS: Mapping[str, Promise] = {
    "place": gettext_lazy("Place a stop"),
    "read": gettext_lazy("Read it in both books"),
    "replace": gettext_lazy("Replace it, the new one first"),
    "cancel": gettext_lazy("Cancel it"),
    "trigger": gettext_lazy("Let one trigger"),
    "clean": gettext_lazy("Leave nothing behind"),
}
CODES: Mapping[str, Promise] = {
    "ok": gettext_lazy("as agreed"),
    "refused": gettext_lazy("refused: %(message)s"),
    "not_shown": gettext_lazy("accepted, and then not shown"),
    "not_gone": gettext_lazy("cancelled, and still shown"),
    "left": gettext_lazy("%(count)s of its orders may still rest there"),
    "position_left": gettext_lazy("a position on %(symbol)s is left"),
    "not_settled": gettext_lazy("what became of it is not known yet"),
    "not_asked": gettext_lazy("not asked: a step before it was not as agreed"),
    "no_free_symbol": gettext_lazy("no symbol is free of positions and orders"),
    "entry_on_its_way": gettext_lazy("an entry on %(symbol)s came first"),
    "no_answer": gettext_lazy("no answer: %(message)s"),
    "busy": gettext_lazy("not accepted now: %(message)s"),
    "no_money": gettext_lazy("the account has too little margin: %(message)s"),
    "not_triggered": gettext_lazy("the price did not move far enough within %(seconds)s s"),
    "market_too_fast": gettext_lazy("the price passed each trigger before its order arrived"),
    "disturbed": gettext_lazy("taken back by another process of ours"),
    "filled": gettext_lazy("it was filled, and given back"),
    "died": gettext_lazy("its process ended before the check did"),
}
PLANS: Mapping[str, Promise] = {
    "stop_limit": gettext_lazy("Stop with a limit"),
    "stop_market": gettext_lazy("Stop at market"),
    "backstop": gettext_lazy("Backstop"),
    "target": gettext_lazy("Target"),
}


def kind(name: str) -> str:
    return str(KINDS.get(name, name.replace("_", " ").capitalize()))


def note(stored: Mapping[str, Any]) -> str:
    told = {"kind": kind(stored["kind"]), "market": market(stored["symbol"])}
    amount = f"{grouped(Decimal(stored['amount']), 2)} {stored['asset']}"
    return str(NOTES[stored["code"]]) % (told | {"amount": amount})


def step(stored: Mapping[str, Any]) -> str:
    """What a step of the canary came to, with the venue's code."""
    facts = {name: str(value) for name, value in stored.get("facts", {}).items()}
    facts = {name: market(value) if name == "symbol" else value for name, value in facts.items()}
    said = str(CODES.get(stored["code"], stored["code"]))
    try:
        return said % facts
    except KeyError:
        return said


def trouble(stored: str, failed: Mapping[str, Any] | None = None) -> str:
    """What a run came to, `trigger not_triggered`, in words; with its numbers where the step that failed is known."""
    name, _space, code = stored.partition(" ")
    if name not in STEPS:
        return str(CODES.get(stored, stored))
    said = step(failed) if failed else str(CODES.get(code, code))
    if code.lstrip("-").isdigit() and code not in said:
        said += f" ({code})"
    return str(STEPS[name]) if "%(" in said else f"{STEPS[name]}: {said}"


def day(name: str | date) -> str:
    """A day without its year, as people write it."""
    return dateformat.format(date.fromisoformat(name) if isinstance(name, str) else name, "j F")


def sentence(said: Verdict) -> str:
    """A verdict in one sentence, its numbers in it."""
    known = said.params
    match said.code:
        case "books-differ":
            told = {
                "day": day(known["day"]),
                "kind": kind(known["kind"]).lower(),
                "market": market(known["symbol"]),
                "ours": grouped(Decimal(known["ours"]), 2),
                "theirs": grouped(Decimal(known["theirs"]), 2),
                "by": grouped(abs(Decimal(known["difference"])), 2),
            }
            return (
                _("%(by)s USDT apart on %(day)s: %(kind)s of %(market)s, ours %(ours)s, the exchange's %(theirs)s.")
                % told
            )
        case "books-never":
            return _("Our books have not been compared with the exchange's yet.")
        case "books-old":
            told = {"age": age(known["age_s"]), "limit": age(known["limit_s"])}
            return _("Our books were last compared %(age)s ago, limit %(limit)s.") % told
        case "books-unsettled":
            return _("%(day)s is over, and the exchange has not told all of it yet.") % {"day": day(known["day"])}
        case "books-young":
            return _("No whole day of money has been compared yet; so far the money agrees.")
        case "books-agree":
            return ngettext(
                "Our books and the exchange's agree to the cent for %(n)s day.",
                "Our books and the exchange's agree to the cent for %(n)s days.",
                known["n"],
            ) % {"n": known["n"]}
    return proof(said)


def proof(said: Verdict) -> str:
    """The canary's verdict in one sentence."""
    known = said.params
    what = trouble(known.get("what", ""), known.get("failed"))
    told = {"age": age(known.get("age_s", 0)), "limit": age(known.get("limit_s", 0)), "what": what}
    match said.code:
        case "stops-broken":
            return _("The exchange's stops failed their check %(age)s ago: %(what)s. Entries are held.") % told
        case "stops-never-proven" if told["what"]:
            return _("No check of the exchange's stops has passed yet; the last one: %(what)s.") % told
        case "stops-never-proven":
            return _("The exchange's stops have not been checked yet.")
        case "stops-proof-old":
            return _("The last check of the exchange's stops that passed was %(age)s ago, limit %(limit)s.") % told
        case "stops-not-proven-here":
            return _("In this mode the exchange's stops are not checked every day.")
    return _("The exchange takes, shows, replaces, triggers and cancels our stops: checked %(age)s ago.") % told
