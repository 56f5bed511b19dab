"""Stored reasons, written anew in the reader's language."""

from types import SimpleNamespace

import pytest
from django.utils import translation

from monitoring.watch import told
from trading.codes import Code
from trading.gates.desk import Rejection
from trading.gates.sentence import say


def decision(sentence, code="", rejections=(), ticket=None):
    return SimpleNamespace(sentence=sentence, code=code, rejections=list(rejections), ticket=ticket or {})


def stored(no: Rejection) -> dict:
    return {"code": no.code.value, "value": no.value, "limit": no.limit, "facts": dict(no.facts), "sentence": say(no)}


@pytest.mark.parametrize(
    ("kept", "written", "read"),
    [
        ("Bought 684.9 at 6.375.", "Bought 684.9 at 6.375.", "684.9"),
        ("Sold 35178 at 0.33806.", "Sold 35,178 at 0.33806.", "35,178"),
    ],
)
def test_a_filled_entry_keeps_its_numbers_and_changes_its_words(kept, written, read):
    assert told.decided(decision(kept)) == written
    with translation.override("nb"):
        said = told.decided(decision(kept))
    assert said != kept and read in said


def test_a_rejection_is_written_from_its_numbers():
    no = stored(
        Rejection(Code.CORRELATION, 0.78, 0.70, "QT_MAX_CORRELATION", {"other": "BTC/USDT:USDT", "other_side": "long"})
    )
    assert told.sentence(no) == no["sentence"]
    with translation.override("nb"):
        said = told.sentence(no)
        assert told.decided(decision(no["sentence"], "CORRELATION", [no])) == said
    assert said != no["sentence"] and "0.78" in said and "0.70" in said


def test_what_no_template_knows_stays_as_it_was_stored():
    with translation.override("nb"):
        assert told.decided(decision("Somebody else wrote this.")) == "Somebody else wrote this."
        assert told.sentence({"code": "OF_ANOTHER_VERSION", "sentence": "As stored."}) == "As stored."


def test_a_reason_that_was_stored_as_a_sentence_is_told_in_the_readers_language_too():
    why = "the exchange asked for silence (HTTP 429) for 5 s, until 2026-11-23 08:37:04 UTC"
    no = {"code": "SELF_HEALING_NO_NEW_TRADES", "value": why, "sentence": f"Self-healing allows no new trades: {why}."}
    with translation.override("nb"):
        said = told.sentence(no)
    assert "2026-11-23 08:37:04" in said and "silence" not in said and "Self-healing" not in said
