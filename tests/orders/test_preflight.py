"""The checks of a venue, against a practice exchange: what each says, and that nothing is left behind."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from quantum.config import load
from tests.positions.conftest import SYMBOL, Killed, Venue
from trading.exchange import checks, rows
from trading.exchange.connection import Connection
from trading.exchange.gateway import connect
from trading.models import Intent, Order, PreflightRun, TunedSetting, VenueStart
from trading.orders import intents, preflight, sender
from trading.orders.intents import PROBE_PREFIX
from trading.positions import entering, keeper

pytestmark = pytest.mark.django_db
ALGO = "/fapi/v1/algoOrder"


@pytest.fixture
def venue(db):
    return Venue()


def ordered(place, full=True, **fields):
    return PreflightRun.objects.create(
        **{
            "mode": "testnet",
            "venue": "binanceusdm demo",
            "account": "abc",
            "full": full,
            "requested_by": "kari",
            "requested_at": place.clock(),
        }
        | fields
    )


def answers(run):
    return {c["check"]: c["answer"] for c in run.checks}


def codes(run):
    return {c["check"]: c["code"] for c in run.checks}


def check(venue, gateway=None, full=True):
    return preflight.run(ordered(venue, full).pk, gateway or venue.gateway, venue.clock)


def probes(venue):
    return [a for a in venue.exchange.engine.open_algos() if a.client_id.startswith(PROBE_PREFIX)]


def test_a_sound_account_passes_every_check_in_order_and_nothing_is_left_there(venue):
    run = check(venue)
    assert [c["check"] for c in run.checks] == list(checks.CHECKS)
    assert set(answers(run).values()) == {"ok"}
    assert run.passed and run.finished_at
    assert venue.exchange.engine.open_algos() == [] and venue.exchange.engine.open_orders() == []
    order = Order.objects.get()
    assert (order.intent.kind, order.status, order.filled) == ("probe", "canceled", 0)
    assert order.intent.requester == "kari" and order.intent.client_order_id.startswith(PROBE_PREFIX)
    moves = list(order.moves.order_by("id").values_list("became", flat=True))
    assert moves == ["new", "canceled"]


def test_margin_mode_and_leverage_are_set_and_what_they_were_is_kept(venue):
    facts = next(c["facts"] for c in check(venue).checks if c["check"] == "settings")
    assert (facts["was_mode"], facts["was_leverage"]) == ("cross", 20)
    assert (facts["mode"], facts["leverage"]) == ("isolated", 3)
    assert venue.gateway.symbol_settings(facts["symbol"]) == ("isolated", 3)


def test_a_tuned_leverage_is_the_one_that_is_set(venue):
    TunedSetting.objects.create(name="QT_MAX_LEVERAGE", value="1", changed_by="rita", changed_at=venue.clock())
    facts = next(c["facts"] for c in check(venue).checks if c["check"] == "settings")
    assert facts["leverage"] == 1
    assert venue.gateway.symbol_settings(facts["symbol"]) == ("isolated", 1)


def test_without_the_changing_checks_nothing_is_changed_and_nothing_passes(venue):
    before = dict(venue.exchange.requests)
    run = check(venue, full=False)
    assert {codes(run)[name] for name in checks.CHANGES} == {"later"}
    assert run.passed is False and set(answers(run).values()) == {"ok", "unknown"}
    written = {r for r in set(venue.exchange.requests) - set(before) if not r.startswith("GET")}
    assert written == set() and not Intent.objects.exists()


def test_a_run_is_made_once(venue):
    run = ordered(venue)
    assert preflight.run(run.pk, venue.gateway, venue.clock)
    assert preflight.run(run.pk, venue.gateway, venue.clock) is None
    assert Order.objects.count() == 1


def test_an_unreachable_venue_is_said_so_and_nothing_else_is_asked(venue):
    nobody = connect(Connection("http://127.0.0.1:9", "k", "s", "testnet"), patience=1)
    run = check(venue, nobody)
    assert codes(run)["address"] == "unreachable"
    assert set(answers(run).values()) == {"fail", "unknown"}
    assert {c["code"] for c in run.checks[1:]} == {"not_asked"}
    assert all(c["facts"]["before"] == "address" for c in run.checks[1:])


@pytest.mark.parametrize(("key", "secret", "code"), [("k", "wrong", "secret_wrong"), ("stranger", "s", "key_unknown")])
def test_wrong_keys_are_told_apart_and_stop_what_needs_them(venue, key, secret, code):
    gateway = connect(Connection("http://127.0.0.1:8200", key, secret, "testnet"), venue.carry, venue.clock)
    run = check(venue, gateway)
    assert codes(run)["key"] == code and answers(run)["key"] == "fail"
    assert answers(run)["address"] == answers(run)["clock"] == "ok"
    assert all(codes(run)[name] == "not_asked" for name in checks.SIGNED - {"key"})


def test_a_clock_that_is_apart_fails_though_the_requests_would_pass(venue):
    venue.exchange.faults.add({"kind": "clock_skew", "params": {"seconds": 30}}, venue.clock.ms())
    run = check(venue)
    assert codes(run)["clock"] == "clock_apart"
    assert next(c for c in run.checks if c["check"] == "clock")["facts"] == {"seconds": 30.0, "limit": 2.0}
    assert not run.passed


@pytest.mark.parametrize(
    ("flag", "name", "code"),
    [("hedge", "position_mode", "hedge_mode"), ("multi_assets", "collateral_mode", "multi_assets")],
)
def test_an_account_in_another_mode_fails(venue, flag, name, code):
    venue.exchange.faults.add({"kind": "change_account_mode", "params": {flag: True}}, venue.clock.ms())
    run = check(venue)
    assert codes(run)[name] == code and not run.passed


def test_an_empty_account_fails(venue):
    venue.exchange.engine.account.wallet = Decimal(0)
    assert codes(check(venue))["balance"] == "no_balance"


def test_a_key_that_may_take_money_out_fails_and_one_that_may_not_trade_too(venue):
    def more(method, path, body):
        if path == "/sapi/v1/account/apiRestrictions":
            return body | {"enableWithdrawals": True}
        return body | {"canTrade": False} if path == "/fapi/v2/account" else body

    venue.rewrite = more
    run = check(venue)
    assert (codes(run)["withdraw"], codes(run)["trade"]) == ("may_withdraw", "may_not_trade")
    assert not run.passed


def test_what_the_venue_does_not_tell_is_unknown_and_only_where_it_is_optional_passes(venue):
    def silent(method, path, body):
        return {"code": -5000, "msg": "no such path"} if "/sapi/" in path else body

    venue.rewrite = silent
    run = check(venue)
    assert (answers(run)["withdraw"], codes(run)["withdraw"], run.passed) == ("unknown", "not_told", True)
    assert checks.missing(answers(run), "live") == ["withdraw"]


def test_a_refused_stop_fails_with_the_venues_words(venue):
    venue.fault("reject_stop", code=-4045)
    run = check(venue)
    assert codes(run)["stop"] == "stop_refused"
    assert "-4045" in run.checks[-1]["facts"]["message"]
    assert Order.objects.get().status == "refused"


def test_a_stop_whose_answer_was_lost_is_unknown_and_taken_back(venue):
    venue.fault("timeout_after", path=ALGO)
    run = check(venue)
    assert (codes(run)["stop"], answers(run)["stop"], run.passed) == ("stop_unknown", "unknown", False)
    assert probes(venue) == []


def test_a_stop_that_vanishes_after_it_was_accepted_fails(venue):
    def vanish(method, path):
        if (method, path) == ("POST", ALGO):
            (algo,) = probes(venue)
            venue.exchange.engine.cancel_algo(algo, "EXPIRED")

    venue.after = vanish
    assert codes(check(venue))["stop"] == "stop_not_shown"
    assert Order.objects.get().status in ("expired", "canceled")


def test_a_check_that_dies_leaves_an_order_that_the_next_start_cancels(venue):
    def die(method, path):
        if (method, path) == ("POST", ALGO):
            raise Killed

    venue.after = die
    run = ordered(venue)
    with pytest.raises(Killed):
        preflight.run(run.pk, venue.gateway, venue.clock)
    venue.after = lambda method, path: None
    assert len(probes(venue)) == 1
    assert preflight.clean_up(venue.gateway, venue.clock, "testnet") == 1
    assert probes(venue) == [] and Order.objects.get().status == "canceled"
    run.refresh_from_db()
    assert run.passed is None
    assert rows.running(venue.clock()).pk == run.pk
    assert rows.running(venue.clock() + timedelta(minutes=1)) is None


def test_the_sweep_cancels_it_too(venue):
    venue.after = lambda method, path: (_ for _ in ()).throw(Killed()) if (method, path) == ("POST", ALGO) else None
    with pytest.raises(Killed):
        check(venue)
    venue.after = lambda method, path: None
    for _ in range(3):
        venue.wait(40)
        keeper.sweep(venue.gateway, venue.clock)
    assert probes(venue) == [] and Order.objects.get().status == "canceled"


def test_a_probe_that_this_database_never_heard_of_is_taken_back_and_put_on_record(venue):
    check(venue)
    sent = Order.objects.get().intent
    request = replace(intents.request(sent), client_order_id=f"{PROBE_PREFIX}elsewhere")
    venue.gateway.place(request, replace(sender.permit(sent), client_order_id=request.client_order_id))
    assert preflight.clean_up(venue.gateway, venue.clock, "testnet") == 1
    stranger = Order.objects.get(intent__client_order_id=request.client_order_id)
    assert (stranger.status, stranger.intent.requester) == ("canceled", "clean-up")
    assert probes(venue) == []


def test_the_probe_goes_where_nothing_is_held(venue):
    for symbol in ("ETHUSDT", "SOLUSDT"):
        venue.exchange.engine.account.position(symbol).amount = Decimal(1)
        venue.exchange.engine.account.position(symbol).entry = Decimal(100)
    check(venue)
    assert Order.objects.get().intent.symbol == SYMBOL


def test_out_of_time_is_unknown_not_passed(venue, monkeypatch):
    monkeypatch.setattr(preflight, "WHOLE", timedelta(seconds=-1))
    run = check(venue)
    assert set(codes(run).values()) == {"out_of_time"} and run.passed is False


@pytest.mark.parametrize("more", [{"type": "MARKET"}, {"reason": ""}, {"requester": ""}, {"kind": "stop"}])
def test_the_database_takes_no_other_probe(venue, more):
    check(venue)
    sent = Intent.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Intent.objects.filter(pk=sent.pk).update(**more)


# -- what entries wait for ---------------------------------------------------------------------------------------------


@pytest.fixture
def testnet(settings):
    settings.QUANTUM = load({"QT_MODE": "testnet", "QT_API_KEY": "k", "QT_API_SECRET": "s"})
    return rows.here()


def stored(place, here, passed, **fields):
    ok = [{"check": name, "answer": "ok" if passed else "fail", "code": "", "facts": {}} for name in checks.CHECKS]
    done = {"finished_at": place.clock(), "passed": passed, "checks": ok}
    return ordered(place, **here | done | fields)


def start(venue, here, run, state="started"):
    VenueStart.objects.create(**here, state=state, run=run, at=venue.clock(), by="kari", reason="ready")


def test_in_practice_nothing_is_waited_for():
    assert rows.waiting() == {}


def test_entries_wait_for_checks_then_for_a_person(venue, testnet):
    assert rows.waiting() == {"unchecked": "binanceusdm demo"}
    stored(venue, testnet, False)
    assert rows.waiting() == {"failed": 11, "checks": 11}
    run = stored(venue, testnet, True)
    assert rows.waiting() == {"unstarted": "binanceusdm demo"}
    start(venue, testnet, run)
    assert rows.waiting() == {}
    start(venue, testnet, None, state="stopped")
    assert rows.waiting() == {"stopped_by": "kari"}


@pytest.mark.parametrize("other", [{"account": "another"}, {"venue": "elsewhere"}, {"mode": "live"}, {"full": False}])
def test_checks_with_another_key_elsewhere_or_in_part_count_for_nothing(venue, testnet, other):
    start(venue, testnet, stored(venue, testnet, True, **other))
    assert rows.waiting() == {"unchecked": "binanceusdm demo"}


def test_a_later_round_that_fails_holds_entries_again(venue, testnet):
    start(venue, testnet, stored(venue, testnet, True))
    assert rows.waiting() == {}
    stored(venue, testnet, False)
    assert rows.waiting()["failed"] == 11


def test_the_sender_holds_an_entry_back_too(venue, testnet):
    intent = venue.accept()
    entering.enter(intent.pk, venue.gateway, venue.clock)
    intent.decision.refresh_from_db()
    assert (intent.decision.outcome, intent.decision.code) == ("failed", "PREFLIGHT_REQUIRED")
    assert not Order.objects.exists()
