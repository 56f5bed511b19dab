"""The policy's page: what an entry needs, each limit with its use and its last denial, cooldowns, gates."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from monitoring.show import risk
from monitoring.show.scene import Scene
from tests.show import factories as make
from tests.show.test_pages import text
from trading.models import BalanceLook, Directive, Position, TunedSetting

pytestmark = pytest.mark.django_db


def tune(name, value, now, by="j.berg"):
    return TunedSetting.objects.create(name=name, value=value, changed_by=by, changed_at=now, reason="for a test")


def limits(now):
    return {one.key: one for one in risk.limits(Scene(now))}


def test_an_empty_house_measures_no_limit_that_it_can_not(reader, now):
    found = limits(now)
    assert found["open_risk"].used is None
    assert found["daily_loss"].used is None
    assert found["positions"].used == 0
    page = text(reader.get("/policy/"))
    assert "No policy yet: the market has not been measured." in page
    assert "No data of 3.00 %" in page
    assert "No gate has rejected anything yet." in page


def test_the_policy_is_one_sentence_with_what_it_asks(reader, now):
    make.no_trades(now)
    page = text(reader.get("/policy/"))
    assert "The market ranges, so an entry needs 0.40." in page
    assert "positions have 0.70 of their normal size" in page


def test_a_threshold_above_the_policys_minimum_is_what_an_entry_needs(reader, now):
    make.running(now)
    tune("QT_CONFIDENCE_THRESHOLD", "0.55", now)
    assert "an entry needs 0.55." in text(reader.get("/policy/"))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda now: make.switch("halted", now), "The kill switch allows no entries."),
        (
            lambda now: Directive.objects.create(
                level="NO_NEW_TRADES", reason="candles are late", by="self_healing", key="feed", at=now
            ),
            "Entries are held: candles are late",
        ),
        (
            lambda now: make.policy(now, volatility="EXTREME", entries_allowed=False),
            "No entries: volatility is extreme.",
        ),
    ],
)
def test_what_allows_no_entry_is_said_first(reader, now, act, said):
    make.running(now)
    act(now)
    assert f"<h1>{said}</h1>" in reader.get("/policy/").content.decode()


def test_the_cell_of_the_market_is_marked_and_follows_what_is_tuned(reader, now):
    make.running(now)
    tune("QT_POLICY_MIN_CONF_RANGING", "0.44", now)
    html = reader.get("/policy/").content.decode()
    marked = re.findall(r'aria-current="true">([\d.]+)<span', html)
    assert marked == ["0.44"]
    assert "QT_POLICY_MIN_CONF_RANGING=0.44" in html


def test_limits_are_used_as_the_gates_count_them(now):
    make.holdings(now)
    make.no_trades(now)
    found = limits(now)
    account = Scene(now).account
    held = risk.holdings(Scene(now))
    assert found["positions"].used == len(held)
    assert found["open_risk"].used == float(sum(h.risk for h in held) / account.equity)
    assert found["exposure"].used == float(sum(h.notional for h in held) / account.equity)
    assert found["leverage"].most == 3


def test_a_tuned_limit_is_the_one_that_counts_and_names_who_set_it(reader, now):
    make.holdings(now)
    make.no_trades(now)
    tune("QT_MAX_OPEN_RISK", "0.012", now)
    one = limits(now)["open_risk"]
    assert (one.most, one.shape) == (0.012, "fail")
    page = text(reader.get("/policy/"))
    assert "1 is over its limit" in page
    assert "set by j.berg" in page


def test_what_is_over_its_limit_comes_first(now):
    make.holdings(now)
    make.no_trades(now)
    tune("QT_MAX_OPEN_RISK", "0.012", now)
    assert [one.key for one in risk.limits(Scene(now)) if one.shape == "fail"] == ["open_risk"]
    assert risk.limits(Scene(now))[0].key == "open_risk"


def test_a_limit_tells_what_it_denied_last(now):
    make.no_trades(now)
    last = limits(now)["correlation"].denial
    assert last.code == "CORRELATION"
    assert last == max(risk.Decision.objects.filter(code="CORRELATION"), key=lambda d: (d.at, d.pk))


def test_correlation_is_that_of_the_tightest_pair_or_unknown(now):
    make.holdings(now)
    assert limits(now)["correlation"].used is None
    pairs = [
        {"first": "BTC/USDT:USDT", "second": "ETH/USDT:USDT", "rho": 0.66},
        {"first": "BTC/USDT:USDT", "second": "SOL/USDT:USDT", "rho": None},
    ]
    BalanceLook.objects.create(at=now, asked_by="beat", equity=Decimal(1), figures={}, pairs=pairs, mode="practice")
    one = limits(now)["correlation"]
    assert (one.used, one.about) == (0.66, "BTC/USDT, ETH/USDT")
    Position.objects.filter(symbol="ETH/USDT:USDT").update(symbol="TRX/USDT:USDT")
    assert limits(now)["correlation"].used is None  # only what is held now counts


def test_slots_that_no_open_position_takes_are_told_apart(now):
    make.holdings(now)
    assert (limits(now)["positions"].used, limits(now)["positions"].about) == (4, "")
    late = make.signal(make.cycle(now, 2), "DOT/USDT:USDT")
    make.decided(late, "pending")
    assert (limits(now)["positions"].used, limits(now)["positions"].about) == (5, "1 on its way or not ours")


def test_correlation_of_an_old_look_is_not_measured(now):
    make.holdings(now)
    pair = {"first": "BTC/USDT:USDT", "second": "ETH/USDT:USDT", "rho": 0.66}
    at = now - (risk.LOOK_BARS + 1) * settings.QUANTUM.bar
    BalanceLook.objects.create(at=at, asked_by="beat", equity=Decimal(1), figures={}, pairs=[pair], mode="practice")
    assert limits(now)["correlation"].used is None


LIMIT = risk.limit("positions", 3, 6, str, "QT_MAX_POSITIONS")


@pytest.mark.parametrize(
    ("key", "used", "shape"),
    [
        ("positions", 3, "ok"),
        ("positions", 6, "near"),
        ("positions", 7, "fail"),
        ("positions", None, "unknown"),
        ("daily_loss", 5.9, "warn"),
        ("daily_loss", 6, "warn"),
        ("daily_loss", 6.1, "fail"),
    ],
)
def test_full_slots_are_no_fault_and_a_day_that_nears_its_limit_is_a_warning(key, used, shape):
    one = replace(LIMIT, key=key, used=used)
    assert one.shape == shape
    assert one.share is None or 0 <= one.share <= 1


def test_cooldowns_tick_down_and_can_be_cleared(reader, now):
    make.running(now)
    s = make.signal(make.cycle(now, flat=11, signals=1), "LINK/USDT:USDT")
    make.entry(make.decided(s, "traded"), sent_at=now - timedelta(seconds=30))
    html = reader.get("/policy/").content.decode()
    assert re.search(r'data-key="LINK/USDT:USDT".*?data-countdown="20.*?action="/control/cooldown/"', html, re.DOTALL)
    assert risk.cooling(Scene(now + timedelta(seconds=91))) == []


def test_gates_tell_what_they_were_first_to_reject_and_the_quiet_ones_are_named(reader, now):
    make.no_trades(now)
    gates = {gate.name: gate for gate in risk.gates(Scene(now))}
    assert gates["cooled_down"].denied == 171
    assert gates["cooled_down"].last.code == "COOLDOWN_ACTIVE"
    assert list(gates) == list(make.NAMES)
    page = text(reader.get("/policy/"))
    quiet = sum(not gate.denied for gate in gates.values())
    assert f"{quiet} gates have rejected nothing yet" in page


def test_the_guards_evaluations_move_with_the_signals(now):
    make.no_trades(now)
    seen = risk.guard(Scene(now))
    assert (seen.signals, seen.rejected, seen.passed) == (198, 195, 3)
    answers = [gate["passed"] for d in risk.Decision.objects.filter(at=seen.bar_at) for gate in d.gates]
    assert seen.bar_asked == sum(answer is not None for answer in answers)
    assert seen.bar_no == answers.count(False)


def test_answers_over_time_hold_every_decision_of_the_bars(reader, now):
    make.no_trades(now)
    told = risk.codes(Scene(now))
    assert sum(n for _, _, n in told) == 198
    assert {code for _, code, _ in told} >= {"COOLDOWN_ACTIVE", "EXCHANGE_REJECT", "TIMEOUT_UNKNOWN"}
    assert 'data-name="codes"' in reader.get("/policy/").content.decode()


def test_versions_say_how_long_each_was_in_force(now):
    make.policy(now, since=now - timedelta(hours=2))
    make.policy(now, since=now - timedelta(minutes=30))
    assert [span for _, span in risk.versions(Scene(now))] == [timedelta(minutes=30), timedelta(minutes=90)]


def test_the_page_makes_a_fixed_number_of_queries(reader, now, django_assert_max_num_queries):
    make.holdings(now)
    make.no_trades(now)
    with django_assert_max_num_queries(50):
        reader.get("/policy/")
