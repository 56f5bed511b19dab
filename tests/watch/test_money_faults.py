"""Incidents about the money: found from the verdicts, named, and closed by what shows that they are over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring.watch import ailments, money, moneyfaults
from monitoring.watch.detectors.engine import detect
from monitoring.watch.detectors.facts import Facts
from monitoring.watch.detectors.findings import CRITICAL, HIGH, Ailment
from monitoring.watch.detectors.proofs import proof
from tests.builders import NOW
from tests.show.test_reconciliation import canary, differing, week

PARAMS = {"day": "2026-03-01", "kind": "COMMISSION", "symbol": "BTC/USDT:USDT", "ours": "-1.23", "theirs": "-1.25",
          "difference": "-0.02", "n": 1}  # fmt: skip
DIFFERS = moneyfaults.fault("books-differ", PARAMS)
BROKEN = moneyfaults.fault("stops-broken", {"what": "place -4120", "symbol": "BTC/USDT:USDT", "age_s": 3.0})


def facts(*faults):
    return Facts(NOW, NOW - timedelta(hours=1), money=faults)


def found(*faults):
    return [one for one in detect(facts(*faults)) if one.code in (Ailment.MONEY_DIFFERS, Ailment.STOPS_BROKEN)]


def test_a_difference_is_high_and_names_day_kind_symbol_and_both_numbers():
    (one,) = found(DIFFERS)
    assert (one.key, one.severity) == ("MONEY_DIFFERS:2026-03-01", HIGH)
    assert ailments.title(one.code, one.params) == "Our books and the exchange's differ on 2026-03-01"
    said = ailments.sentence(one.code, one.params)
    assert "BTC/USDT: ours -1.23, the exchange's -1.25; -0.02 USDT is not explained." in said


def test_a_broken_contract_is_critical_and_names_the_code():
    (one,) = found(BROKEN)
    assert (one.key, one.severity, one.impacts_trading) == ("STOPS_BROKEN", CRITICAL, True)
    assert ailments.sentence(one.code, one.params).startswith("Place a stop: -4120, checked on BTC/USDT.")


@pytest.mark.parametrize(
    ("code", "subject", "fault"), [("MONEY_DIFFERS", "2026-03-01", DIFFERS), ("STOPS_BROKEN", "", BROKEN)]
)
def test_it_is_over_when_it_is_not_found_any_more(code, subject, fault):
    assert proof(code, subject, facts(fault), NOW) is None
    assert proof(code, subject, facts(), NOW)


def test_what_is_merely_unknown_is_no_incident():
    assert moneyfaults.fault("books-old", {}) is None and moneyfaults.fault("stops-proof-old", {}) is None


@pytest.mark.django_db
def test_the_rows_tell_the_detectors(now):
    assert money.faults("practice", now) == ()
    week(now)
    assert money.faults("practice", now) == ()
    differing_day = (now - timedelta(days=1)).date()
    from trading.models import DailyMoney

    DailyMoney.objects.filter(day=differing_day).delete()
    differing(now)
    canary(now, "fail", "place -4120")
    assert [(one.code, one.subject) for one in money.faults("practice", now)] == [
        ("MONEY_DIFFERS", differing_day.isoformat()), ("STOPS_BROKEN", ""),
    ]  # fmt: skip


@pytest.fixture
def now():
    from django.utils import timezone

    return timezone.now()


@pytest.mark.django_db
def test_broken_stops_stay_broken_however_often_nothing_is_learned_after(now):
    from trading.models import CanaryRun

    for back, outcome in [(300, "ok"), (290, "fail"), *((280 - n * 20, "unknown") for n in range(12))]:
        at = now - timedelta(minutes=back)
        CanaryRun.objects.create(mode="practice", symbol="BTC/USDT:USDT", started_at=at, beat_at=at, finished_at=at,
                                 outcome=outcome, code="" if outcome == "ok" else "place -4120")  # fmt: skip
    assert [one.code for one in money.faults("practice", now)] == ["STOPS_BROKEN"]


@pytest.mark.django_db
def test_each_day_that_differs_is_a_fault_of_its_own(now):
    from trading.models import DailyMoney

    week(now)
    days = [(now - timedelta(days=n)).date() for n in (1, 3)]
    line = {"kind": "COMMISSION", "symbol": "BTC/USDT:USDT", "ours": "-1.23", "theirs": "-1.25", "explained": "0",
            "difference": "-0.02"}  # fmt: skip
    DailyMoney.objects.filter(day__in=days).update(state="fail", lines=[line])
    seen = facts(*money.faults("practice", now))
    assert [one.subject for one in seen.money] == [day.isoformat() for day in days]
    assert proof("MONEY_DIFFERS", days[1].isoformat(), seen, NOW) is None, "it differs still"


@pytest.mark.django_db
def test_a_difference_is_not_over_because_it_is_old(now, monkeypatch):
    """A month later the day is told no more, and nothing was explained: it stays open until a person takes note."""
    from monitoring.models import Incident
    from monitoring.watch import healer
    from trading.models import DailyMoney

    day = differing(now).day
    monkeypatch.setattr(healer, "broker_ms", lambda: 1.0)

    def look(after):
        seen = healer.facts(now + after, now)
        healer.take_stock([one for one in detect(seen) if one.code == Ailment.MONEY_DIFFERS], seen)
        return Incident.objects.get(key=f"MONEY_DIFFERS:{day}")

    assert look(timedelta(0)).closed_at is None
    month = money.BACK + timedelta(days=2)
    assert money.faults("practice", now + month) == ()
    assert look(month).closed_at is None
    Incident.objects.update(acknowledged_at=now, acknowledged_by="mira")
    row = look(month)
    assert row.closed_at and row.evidence == {"seen_by": "mira"}
    assert ailments.proof(row.evidence) == "not explained; mira has taken note of it"
    Incident.objects.update(closed_at=None, acknowledged_at=None, acknowledged_by="")
    DailyMoney.objects.update(state=DailyMoney.OK, worst=0, settled=True)
    assert set(look(month).evidence) == {"looked_at"}


def test_a_note_alone_ends_nothing_that_is_still_told():
    noted = replace(facts(DIFFERS), unexplained=frozenset({"2026-03-01"}), seen_by={"MONEY_DIFFERS:2026-03-01": "mira"})
    assert proof("MONEY_DIFFERS", "2026-03-01", noted, NOW) is None
