"""Every drill is judged by its evidence: the right one passes it; what is missing, late or unlawful fails it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring.watch.drills import words
from monitoring.watch.drills.catalogue import ALL, CATALOGUE
from monitoring.watch.drills.evidence import Evidence, Fact, Subject, as_json, from_json, kept, meets, wanted
from monitoring.watch.drills.judge import SKIPS, Why, fault_of, judge
from monitoring.watch.drills.spec import Drill, Sign
from tests.builders import NOW
from trading.runtime import MODULES

SUBJECT = Subject("BTC/USDT:USDT", 7, "long")
MS = timedelta(milliseconds=1)
drills = pytest.mark.parametrize("drill", ALL, ids=lambda drill: drill.name)


def at(sign: Sign, seconds: float) -> Fact:
    """A fact that meets the sign, so long after the break."""
    key = SUBJECT.fill(sign.keys[0]).replace("*", "x")
    return Fact(NOW + timedelta(seconds=seconds), sign.kind, key)


def shown(drill: Drill, detect: float = 0.2, act: float = 0.3, verify: float = 0.5, over: float = 0.4) -> Evidence:
    """Evidence of a drill that went well."""
    facts = [at(drill.detects[0], detect)]
    facts += [at(sign, act) for sign in drill.acts] + [at(sign, over + verify) for sign in drill.verifies]
    end = NOW + timedelta(seconds=over)
    return Evidence(NOW, end, end, SUBJECT, tuple(sorted(set(facts))), (), NOW)


@drills
def test_the_right_evidence_passes_it(drill):
    seen = shown(drill)
    verdict = judge(drill, seen)
    assert verdict.complete and fault_of(drill, verdict) is None
    assert verdict.detected_s is not None and 0 <= verdict.detected_s <= drill.within.detect
    assert verdict.verified_s is not None and 0 <= verdict.verified_s <= drill.within.verify


@drills
def test_nothing_at_all_is_no_detection(drill):
    verdict = judge(drill, Evidence(NOW, NOW, NOW, SUBJECT, (), (), NOW))
    assert fault_of(drill, verdict)[0] is Why.NOT_DETECTED and not verdict.complete
    assert fault_of(drill, verdict)[1]["missing"]


@drills
def test_what_happened_before_the_break_proves_nothing(drill):
    seen = shown(drill)
    early = tuple(replace(fact, at=NOW - MS) for fact in seen.facts)
    assert fault_of(drill, judge(drill, replace(seen, facts=early)))[0] is Why.NOT_DETECTED


@drills
def test_each_proof_is_wanted(drill):
    for lacking in drill.verifies:
        seen = shown(drill)
        facts = tuple(fact for fact in seen.facts if not meets_filled(fact, lacking) or fact.at < seen.mended_at)
        verdict = judge(drill, replace(seen, facts=facts))
        assert not verdict.complete
        assert fault_of(drill, verdict)[0] in (Why.NOT_VERIFIED, Why.NOT_ACTED, Why.NOT_DETECTED)


def meets_filled(fact: Fact, sign: Sign) -> bool:
    return meets(fact, Sign(sign.kind, tuple(SUBJECT.fill(key) for key in sign.keys)))


@drills
def test_a_detection_after_its_limit_has_failed_it(drill):
    late = drill.within.detect + 1
    seen = shown(drill, detect=late, act=late, over=late + 1)
    only = tuple(fact for fact in seen.facts if fact.at >= NOW + timedelta(seconds=late))
    why, numbers = fault_of(drill, judge(drill, replace(seen, facts=only)))
    assert why is Why.DETECTED_LATE and numbers == {"value": late, "limit": drill.within.detect}


@drills
def test_a_proof_after_its_limit_has_failed_it(drill):
    seen = shown(drill, verify=drill.within.verify + 1)
    why, numbers = fault_of(drill, judge(drill, seen))
    assert why is Why.VERIFIED_LATE and numbers["limit"] == drill.within.verify


@drills
def test_a_law_that_does_not_hold_fails_what_was_proven_otherwise(drill):
    seen = replace(shown(drill), laws=("one order of a kind",), lawful_at=None)
    why, numbers = fault_of(drill, judge(drill, seen))
    assert why is Why.LAW_BROKEN and numbers["law"] == "one order of a kind"


UNSEEN = {  # drills whose break leaves nothing behind but what goes on: why that proves something
    "database-cut": "every connection was ended, so a tick that left its row has made a new one",
    "broker-cut": "every connection was ended, so a task that ran came over a new one",
    "queues-emptied": "what is lost leaves no trace; a task that ran was put there by a schedule that rings on",
}


def routine() -> tuple[Fact, ...]:
    """What every house that is well writes all the time, each second for an hour."""
    import trading.modules  # noqa: F401 - fills the registry

    names = [*MODULES, "stream"]
    kinds = [(kind, name) for kind in ("tick", "work") for name in names]
    kinds += [("idle", name) for name in names if name != "stream"]
    kinds += [("account", ""), ("account.quick", ""), ("judged", ""), ("clock.right", "stream"), ("page.up", "")]
    kinds += [(kind, SUBJECT.symbol) for kind in ("candle", "universe.in", "venue.guarded")]
    kinds += [("position.verified", "7"), ("probe.ok", "policy.alive"), ("decision", "COOLDOWN_ACTIVE")]
    return tuple(Fact(NOW + timedelta(seconds=n), *one) for n in range(1, 3601, 3) for one in kinds)


ROUTINE = routine()


@drills
def test_a_house_that_goes_on_as_ever_has_found_nothing(drill):
    seen = Evidence(NOW, NOW, NOW, SUBJECT, ROUTINE, (), NOW)
    assert (judge(drill, seen).detected_at is not None) == (drill.name in UNSEEN)


def test_a_law_that_holds_again_counts_from_then_on():
    drill = CATALOGUE["stop-cancelled"]
    later = NOW + timedelta(seconds=6)
    verdict = judge(drill, replace(shown(drill), lawful_at=later))
    assert verdict.verified_at == later


def test_another_positions_stop_proves_nothing():
    drill = CATALOGUE["stop-cancelled"]
    seen = shown(drill)
    other = tuple(replace(f, key="ETH/USDT:USDT") if f.kind.startswith("venue") else f for f in seen.facts)
    assert fault_of(drill, judge(drill, replace(seen, facts=other)))[0] is Why.NOT_ACTED


def test_a_fault_that_goes_on_is_not_verified():
    drill = CATALOGUE["streams-muted"]
    assert not judge(drill, replace(shown(drill), mended_at=None)).complete


def test_evidence_comes_back_from_its_row_as_it_was():
    seen = shown(CATALOGUE["streams-muted"])
    assert from_json(as_json(seen)) == seen


def test_only_what_a_sign_asks_for_is_kept_and_not_without_end():
    signs = wanted(CATALOGUE["stream-killed"], Subject())
    many = [Fact(NOW + n * MS, "work", "stream") for n in range(500)] + [Fact(NOW, "tick", "executor")]
    found = kept(many, signs)
    assert 10 < len(found) < 100 and {fact.kind for fact in found} == {"work"}
    assert found[0].at == NOW


def test_a_star_stands_for_anything():
    assert meets(
        Fact(NOW, "incident.opened", "MODULE_SILENT:trailing"), Sign("incident.opened", ("MODULE_*:trailing",))
    )
    assert not meets(
        Fact(NOW, "incident.opened", "MODULE_SILENT:policy"), Sign("incident.opened", ("MODULE_*:trailing",))
    )


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_has_a_sentence_with_its_numbers(why):
    numbers = {"limit": 5.0, "value": 7.25, "missing": "m", "law": "l", "mode": "live", "state": "halted", "kind": "k",
               "error": "e", "incident": "i", "waited": 3.0, "process": "p", "wanted": "w", "symbol": "s", "n": 3,
               "minutes": 10.0}  # fmt: skip
    said = words.reason(why, numbers)
    assert said.endswith(".") and "%(" not in said and said != why.value
    assert (why in SKIPS) == (why not in list(Why)[:9])
