"""The words for a venue's checks: what each asks, what its answer means, what to do about a "no"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.watch.words import MINUS, grouped, market, price
from trading.exchange.checks import CHECKS, OPTIONAL

REQUEST = re.compile(r"^(fapi|sapi)\w+: ")  # which request it was helps a log, not a reader
TITLES = {
    "address": gettext_lazy("The exchange answers"),
    "clock": gettext_lazy("Clocks agree"),
    "key": gettext_lazy("The key is accepted"),
    "trade": gettext_lazy("The key may trade"),
    "withdraw": gettext_lazy("The key can't take money out"),
    "position_mode": gettext_lazy("One position per symbol"),
    "collateral_mode": gettext_lazy("USDT alone is collateral"),
    "settings": gettext_lazy("Margin mode and leverage can be set"),
    "balance": gettext_lazy("There is a balance"),
    "rules": gettext_lazy("Rules and leverage brackets are known"),
    "stop": gettext_lazy("A stop order goes there and back"),
}
PASSES = {
    "address": gettext_lazy("It answered within %(took)s s."),
    "clock": gettext_lazy("%(seconds)s s apart, at most %(limit)s s."),
    "key": gettext_lazy("The account shows %(equity)s USDT."),
    "trade": gettext_lazy("The exchange says that this account may trade."),
    "withdraw": gettext_lazy("The exchange says that this key may not withdraw."),
    "position_mode": gettext_lazy("The account is in one-way mode."),
    "collateral_mode": gettext_lazy("Multi-assets mode is off."),
    "settings": gettext_lazy(
        "%(symbol)s is set to %(mode)s and %(leverage)s×; it was %(was_mode)s and %(was_leverage)s×. "
        "Every other symbol is set right before its first entry."
    ),
    "balance": gettext_lazy("%(available)s USDT are free, the smallest order needs %(needed)s USDT."),
    "rules": gettext_lazy("%(count)s symbols to trade, %(all)s listed."),
    "stop": gettext_lazy(
        "A stop of %(quantity)s %(symbol)s with its trigger at %(trigger)s, out of reach, was placed, read back twice "
        "among the conditional orders, cancelled, and is gone. What it can't prove without a position: that a "
        "reduce-only stop is taken. A position whose stop is refused is closed at once."
    ),
}
# code: what it means, and what to do
TROUBLES = {
    "unreachable": (
        gettext_lazy("Nobody answered as the exchange would: %(message)s."),
        gettext_lazy("Check the network of this machine, and QT_TESTNET_URL where it is set."),
    ),
    "no_answer": (
        gettext_lazy("No usable answer: %(message)s."),
        gettext_lazy("Check again in a while; an answer that is lost is no answer."),
    ),
    "busy": (
        gettext_lazy("The exchange asked for patience: %(message)s."),
        gettext_lazy("Wait a minute, then check again."),
    ),
    "refused": (
        gettext_lazy("The exchange refused: %(message)s."),
        gettext_lazy("The number in brackets is the exchange's own error code; its documentation says what it wants."),
    ),
    "clock_apart": (
        gettext_lazy("%(seconds)s s apart, at most %(limit)s s."),
        gettext_lazy("Let this machine set its clock by itself (NTP): timedatectl set-ntp true. Then check again."),
    ),
    "clock_unsure": (
        gettext_lazy("The answer took %(took)s s, so %(seconds)s s apart may be more than %(limit)s s."),
        gettext_lazy("The connection is slow; check again."),
    ),
    "clock_refused": (
        gettext_lazy("The exchange refused the request's time: %(message)s."),
        gettext_lazy("Let this machine set its clock by itself (NTP): timedatectl set-ntp true. Then check again."),
    ),
    "key_malformed": (
        gettext_lazy("The exchange says that this is no API key."),
        gettext_lazy("Copy the key once more: the whole of it, without quotation marks."),
    ),
    "key_unknown": (
        gettext_lazy("The exchange does not know this key, or not from this address, or not for futures."),
        gettext_lazy(
            "Make the key in the demo account, not in the real one; allow futures; allow this machine's address."
        ),
    ),
    "secret_wrong": (
        gettext_lazy("The key is known, and the secret does not belong to it."),
        gettext_lazy("The secret is shown only once: make a new pair and paste both."),
    ),
    "may_not_trade": (
        gettext_lazy("The exchange says that this account may not trade."),
        gettext_lazy("Open the account's futures wallet, and allow futures for the key."),
    ),
    "may_withdraw": (
        gettext_lazy("This key can take money out of the account."),
        gettext_lazy("Take that right away, or make a key without it. Trading never needs it."),
    ),
    "not_told": (
        gettext_lazy("The exchange does not tell what rights this key has."),
        gettext_lazy("Look it up where the key was made: it needs futures, and no withdrawals."),
    ),
    "hedge_mode": (
        gettext_lazy("The account is in hedge mode: long and short of a symbol would be two positions."),
        gettext_lazy("Close what is open, then set Position Mode to One-way in the exchange's preferences."),
    ),
    "multi_assets": (
        gettext_lazy("Multi-assets mode is on: other coins would count as collateral, and isolated margin is off."),
        gettext_lazy("Set Asset Mode to Single-Asset in the exchange's preferences."),
    ),
    "not_taken": (
        gettext_lazy(
            "%(symbol)s shows %(mode)s and %(leverage)s×, wanted were %(wanted_mode)s and %(wanted_leverage)s×."
        ),
        gettext_lazy("Set it by hand at the exchange, or lower QT_MAX_LEVERAGE; then check again."),
    ),
    "no_free_symbol": (
        gettext_lazy("Every symbol has a position or an open order, or none has a price."),
        gettext_lazy("Close something on one symbol that QT_SYMBOLS names, then check again."),
    ),
    "no_balance": (
        gettext_lazy("%(available)s USDT are free."),
        gettext_lazy("Move USDT into the futures wallet; the demo account has a button that gives some."),
    ),
    "too_little": (
        gettext_lazy("%(available)s USDT are free, the smallest order needs %(needed)s USDT."),
        gettext_lazy("Move USDT into the futures wallet, or trade symbols with smaller orders (QT_SYMBOLS)."),
    ),
    "no_rules": (
        gettext_lazy("The exchange lists none of the symbols, so the smallest order is not known."),
        gettext_lazy("Check QT_SYMBOLS."),
    ),
    "no_symbols": (
        gettext_lazy("The exchange lists no symbol that trades."),
        gettext_lazy("Check again; if it stays so, this address is no futures exchange."),
    ),
    "not_listed": (
        gettext_lazy("%(count)s symbols are not traded there: %(symbols)s."),
        gettext_lazy("Take them out of QT_SYMBOLS."),
    ),
    "stop_refused": (
        gettext_lazy("The stop on %(symbol)s was refused: %(message)s."),
        gettext_lazy("Without stops there is no protection, so nothing starts. The exchange's own words say why."),
    ),
    "stop_unknown": (
        gettext_lazy("What became of the stop on %(symbol)s is not known: %(message)s."),
        gettext_lazy("It is asked about and taken back by itself. Check again in a minute."),
    ),
    "stop_not_shown": (
        gettext_lazy("The stop on %(symbol)s was accepted, and then not shown as it was sent."),
        gettext_lazy("A stop that vanishes protects nothing. Check again; if it stays so, don't start here."),
    ),
    "stop_not_gone": (
        gettext_lazy("The stop on %(symbol)s was cancelled, and is still shown."),
        gettext_lazy("It is cancelled again by itself; look at the exchange's list of open orders."),
    ),
    "not_asked": (
        gettext_lazy("Not asked: first this has to pass: %(before_title)s."),
        "",
    ),
    "later": (
        gettext_lazy("Not asked here: it changes something at the exchange."),
        gettext_lazy("It is asked from a house that runs in testnet mode (step 4)."),
    ),
    "out_of_time": (
        gettext_lazy("Not asked: the checks before it took more than a minute."),
        gettext_lazy("The connection is slow; check again."),
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One check as people read it."""

    check: str
    title: str
    answer: str  # ok, fail, unknown; "" where it has not been asked yet
    why: str
    fix: str
    optional: bool = False

    @property
    def shape(self) -> str:
        return self.answer or "unknown"

    @property
    def word(self) -> str:
        said = {"ok": _("Passed"), "fail": _("Failed"), "unknown": _("Not known"), "": _("Not asked yet")}
        return said[self.answer]


def line(check: str, found: Mapping[str, Any] | None, mode: str = "testnet") -> Line:
    """A stored result in words, or the check that is still to come."""
    title, optional = str(TITLES[check]), check in OPTIONAL.get(mode, frozenset())
    if found is None:
        return Line(check, title, "", "", "", optional)
    facts = {name: spoken(name, value) for name, value in found["facts"].items()}
    if "message" in facts:
        facts["message"] = REQUEST.sub("", facts["message"])
    facts["before_title"] = str(TITLES.get(found["facts"].get("before", ""), ""))
    if found["answer"] == "ok":
        return Line(check, title, "ok", str(PASSES[check]) % facts, "", optional)
    why, fix = TROUBLES[found["code"]]
    return Line(check, title, found["answer"], str(why) % facts, str(fix), optional)


def spoken(name: str, value: Any) -> str:
    """Numbers as the pages write them; the venue's own words end where our sentence does."""
    if name in ("equity", "available", "needed"):
        return grouped(Decimal(value), 2)
    if name in ("trigger", "quantity"):
        return price(Decimal(value))
    if isinstance(value, str):
        return market(value.rstrip(". ")) if name == "symbol" else value.rstrip(". ")
    return f"{value:g}".replace("-", MINUS)


def lines(stored: Iterable[Mapping[str, Any]], mode: str = "testnet") -> list[Line]:
    """Every check in order, also those that were not asked yet."""
    found = {c["check"]: c for c in stored}
    return [line(check, found.get(check), mode) for check in CHECKS]


def needs(waiting: Mapping[str, Any]) -> str:
    """What the start still needs, in a sentence; "" where it is started."""
    match dict(waiting):
        case {"unchecked": name}:
            return _("%(venue)s has not been checked with this key yet.") % {"venue": name}
        case {"failed": failed, "checks": checks}:
            return _("%(n)s of %(of)s checks have not passed.") % {"n": failed, "of": checks}
        case {"unstarted": str()}:
            return _("The checks have passed; nobody has pressed start yet.")
        case {"stopped_by": name}:
            return _("%(who)s stopped entries here.") % {"who": name}
    return ""
