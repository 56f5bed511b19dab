"""The table of causes: whole, true to the code, and equal to the page that is written from it."""

import ast
import re
from pathlib import Path

import pytest

from monitoring.watch.diagnosis.catalogue import CATALOGUE
from monitoring.watch.diagnosis.engine import DETECTORS
from monitoring.watch.diagnosis.problem import Cause
from monitoring.watch.diagnosis.table import PLANTED, markdown
from tests.watch.diagnosis.situations import BY_NAME

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = [
    *(1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 15, 16, 17, 18),
    *(19, 20, 21, 23, 24, 26, 27, 28, 30, 32, 33, 34),
    *(35, 36, 37, 38, 39, 41, 42, 44),
    *(46, 47, 49, 51, 52, 55, 57, 59),
    *(60, 61, 62, 64, 65, 67, 68, 69, 71, 72, 74, 75, 76, 77, 79, 80),
]


def named_in(path: str) -> set[str]:
    """Every test that the file defines."""
    found = ast.walk(ast.parse((ROOT / path).read_text()))
    return {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_line_is_there_once_and_in_order():
    assert [row.number for row in CATALOGUE] == NUMBERS and len(NUMBERS) == 58


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: str(row.number))
def test_each_has_a_detector_or_a_construction_and_a_test(row):
    assert row.causes or row.built
    assert row.tests and (row.plants or row.held)
    assert bool(row.held) == bool(row.built)
    assert all(cause in DETECTORS for cause in row.causes)


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: str(row.number))
def test_every_test_that_is_named_exists(row):
    for test in row.tests:
        path, _, name = test.partition("::")
        assert re.sub(r"\[.*", "", name) in named_in(path), test


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: str(row.number))
def test_what_is_planted_leads_to_the_detector_that_is_named(row):
    found = {Cause(BY_NAME[name].first.split(":")[0]) for name in row.plants}
    assert found <= {*row.causes, *((Cause.SIGNALS_REJECTED,) if row.number == 2 else ())}
    assert PLANTED.endswith("test_the_planted_cause_is_named_first")


def test_every_detector_answers_to_a_line():
    assert {cause for row in CATALOGUE for cause in row.causes} == set(Cause)


def test_every_planted_situation_stands_in_the_table():
    assert {name for row in CATALOGUE for name in row.plants} == set(BY_NAME)


def test_the_page_is_what_the_table_says():
    assert (ROOT / "docs/causes.md").read_text() == markdown(CATALOGUE), "run ops/causes.py"
