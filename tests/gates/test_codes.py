"""The table of codes and the words for them."""

import ast
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from quantum.config import Config
from trading.codes import MEANINGS, Code
from trading.gates.desk import SETTING, Limits, Rejection
from trading.gates.sentence import age, exact, grouped, say, wanted

FACTS = {
    "value": 0.36,
    "limit": 0.40,
    "symbol": "BTC/USDT:USDT",
    "other": "ETH/USDT:USDT",
    "other_side": "long",
    "side": "short",
    "when": "while the market ranges",
    "gate": "funding",
    "error": "TypeError: no rate",
    "why": "volatility extreme",
    "version": 41,
    "models": 4,
    "cost_r": 0.12,
    "override": 0.5,
    "rank": 7,
    "free": 4,
    "leverage": 3,
    "eta": 12,
    "asked": 2,
    "message": "Margin is insufficient",
    "seconds": 1.2,
    "mean": 200,
    "failed": 2,
    "checks": 11,
    "unstarted": "binanceusdm demo",
    "stopped_by": "j.berg",
    "unchecked": "binanceusdm demo",
}
UNWANTED = re.compile(r"[<>{}]|exceed|invalid|breach|Oops|None\b|\bnan\b")


def test_the_table_and_the_enum_are_equal():
    assert set(MEANINGS) == set(Code)
    assert list(MEANINGS) == list(Code)


@pytest.mark.parametrize("code", Code)
def test_every_code_says_what_it_means_and_what_to_do(code):
    meaning = MEANINGS[code]
    assert meaning.stage and meaning.title and meaning.sentence.endswith(".") and meaning.fix.endswith(".")


@pytest.mark.parametrize("code", Code)
def test_a_setting_that_is_named_exists(code):
    named = [MEANINGS[code].setting, *re.findall(r"QT_[A-Z_]+", MEANINGS[code].fix)]
    assert set(named) - {""} <= set(Config.model_fields)


def test_every_setting_that_a_gate_names_exists():
    sources = "".join(p.read_text() for p in Path("trading/gates").glob("*.py"))
    named = set(re.findall(r'"(QT_[A-Z_]*[A-Z])"', sources))
    assert named and named <= set(Config.model_fields)


def test_every_limit_that_a_setting_fills_is_named():
    assert set(SETTING) <= set(asdict(Limits()))
    assert set(SETTING.values()) <= set(Config.model_fields)


@pytest.mark.parametrize("code", Code)
def test_every_code_is_written_out_with_and_without_facts(code):
    for sentence in (say(code), say(code, FACTS), say(Rejection(code)), say(Rejection(code, 0.36, 0.40, facts=FACTS))):
        assert sentence.endswith(".") and not UNWANTED.search(sentence), sentence


@pytest.mark.parametrize("code", Code)
def test_every_template_can_be_filled(code):
    for template in MEANINGS[code].says:
        assert wanted(template) <= set(FACTS)


@pytest.mark.parametrize(
    ("rejection", "sentence"),
    [
        (
            Rejection(Code.LOW_CONFIDENCE, 0.36, 0.40, facts={"when": "while the market ranges"}),
            "0.36, needs 0.40 while the market ranges.",
        ),
        (
            Rejection(Code.LOW_CONFIDENCE, 0.319999, 0.32, facts={"when": "while the market trends"}),
            "0.319999, needs 0.320000 while the market trends.",
        ),
        (
            Rejection(Code.CORRELATION, 0.78, 0.7, facts={"other": "BTC/USDT:USDT", "other_side": "long"}),
            "0.78 with BTC/USDT long, at most 0.70.",
        ),
        (Rejection(Code.COOLDOWN_ACTIVE, 2310.0, 7200.0), "2,310\u00a0s since the last order, needs 7,200\u00a0s."),
        (Rejection(Code.FEED_STALE, 29_929.0, 90.0), "Candle 8\u00a0h 18\u00a0min old, limit 90\u00a0s."),
        (Rejection(Code.FEED_STALE, None, 90.0), "No closed candle yet, limit 90\u00a0s."),
        (Rejection(Code.MIN_NOTIONAL, 4.1, 5.0), "4.10 USDT after rounding, the exchange needs 5.00."),
        (Rejection(Code.DAILY_LOSS, 0.0312, 0.03), "3.12\u00a0% lost today, entries stop at 3.00\u00a0%."),
        (
            Rejection(Code.AGAINST_TREND_SHORT, 1.0342, 1.02, facts={"override": 0.5}),
            "103.42\u00a0% of the 200-bar mean, at most 102.00\u00a0%, or a confidence of 0.50.",
        ),
        (
            Rejection(Code.EXPECTED_COST_TOO_HIGH, 0.33, 0.381, facts={"cost_r": 0.333}),
            "0.33, needs 0.38 to earn its costs of 0.33 R.",
        ),
    ],
)
def test_the_measured_number_comes_first_then_the_limit(rejection, sentence):
    assert say(rejection) == sentence


def test_after_the_decision_a_code_is_said_with_its_facts():
    assert say(Code.TIMEOUT_UNKNOWN, {"value": 5, "asked": 2}) == (
        "No answer for 5\u00a0s. The exchange has been asked twice."
    )


def test_numbers_are_written_as_the_design_says():
    assert (grouped(10412.38, 2), grouped(-43.9, 2)) == ("10,412.38", "\u221243.90")
    assert (age(38), age(119), age(120), age(9840), age(300), age(-3)) == (
        "38\u00a0s",
        "119\u00a0s",
        "2\u00a0min",
        "2\u00a0h 44\u00a0min",
        "5\u00a0min",
        "\u22123\u00a0s",
    )
    assert (exact("0.00100"), exact(1500)) == ("0.001", "1,500")


def test_every_rejection_of_a_gate_has_a_code_that_the_table_knows():
    used = {
        node.attr
        for path in Path("trading").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code"
    }
    assert used <= {code.name for code in Code}
