"""Four models at 25 % of which one votes: the page shows the weights of the votes that were cast, within a point."""

import random
import re

import pytest

from tests.show import factories as make

pytestmark = pytest.mark.django_db
ABSENT = {"lightgbm": 0.0, "xgboost": 0.37, "extratrees": 0.985, "logistic": 1.0}  # share of signals without its vote
SIGNALS = 200


@pytest.fixture
def cast(now) -> dict[str, float]:
    """Signals whose votes are missing as often as that; each kind's measured share of them, in percent."""
    make.running(now)
    dice, counts = random.Random(11), dict.fromkeys(ABSENT, 0)
    of = make.cycle(now, 1, symbols=SIGNALS, evaluated=SIGNALS, flat=0, signals=SIGNALS)
    for number in range(SIGNALS):
        votes = [vote for vote in make.votes("long", 0.43) if dice.random() >= ABSENT[vote["kind"]]]
        for vote in votes:
            counts[vote["kind"]] += 1
        make.signal(of, f"S{number}/USDT:USDT", votes=votes)
    return {kind: 100 * n / SIGNALS for kind, n in counts.items()}


def shown(html: str) -> dict[str, float]:
    """What stands under Votes, in percent; none yet is nothing."""
    lines = re.findall(r'<tr data-key="\d+" data-status="champion">.*?</tr>', html, re.DOTALL)
    found = {}
    for line in lines:
        name = re.search(r"<strong>(.*?)</strong>", line)[1].replace(" ", "").lower()
        votes = re.search(r'data-label="Votes">(?:([\d.,]+)[\s\u00a0]*%|<span class="muted">)', line)
        found[name] = float(votes[1]) if votes and votes[1] else 0.0
    return found


def test_the_weights_on_the_page_are_those_of_the_votes_within_a_point(reader, cast):
    told = shown(reader.get("/models/").content.decode())
    kinds = {kind: next(value for name, value in told.items() if kind[:5] in name) for kind in cast}
    assert {kind: abs(kinds[kind] - share) <= 1.0 for kind, share in cast.items()} == dict.fromkeys(cast, True), (
        kinds,
        cast,
    )
    assert kinds["logistic"] == 0.0, "who never votes has no weight, whatever it was given"
    assert cast["lightgbm"] == 100.0 and cast["extratrees"] < 5
