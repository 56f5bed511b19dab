"""The separation figure: what counts as healthy, as faulty, as neither, and when nothing can be said."""

from datetime import timedelta

import pytest

from monitoring.models import DrillRun, HealthScore
from monitoring.show.panels.reliability import told_apart
from monitoring.watch.separation import ENOUGH, Spell, auc, measured, separate
from tests.watch.probes.builders import NOW

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SPELL = Spell(NOW, NOW + MINUTE * 5)


@pytest.mark.parametrize(
    ("healthy", "faulty", "area"),
    [([90, 91], [50, 60], 1.0), ([50, 60], [90, 91], 0.0), ([70, 70], [70], 0.5), ([90, 60], [70, 60], 0.625)],
)
def test_the_area_is_the_chance_that_a_healthy_score_lies_above(healthy, faulty, area):
    assert auc(healthy, faulty) == area


def test_one_side_alone_says_nothing():
    with pytest.raises(ValueError, match="both sides"):
        auc([90], [])


@pytest.mark.parametrize(
    ("at", "healthy", "faulty"),
    [
        (NOW - MINUTE * 11, 0, 0),
        (NOW - MINUTE * 9, 1, 0),
        (NOW + SECOND * 14, 0, 0),
        (NOW + SECOND * 15, 0, 1),
        (NOW + MINUTE * 5, 0, 1),
        (NOW + MINUTE * 6, 0, 0),
    ],
)
def test_a_score_is_faulty_once_it_must_show_and_until_it_is_mended(at, healthy, faulty):
    found = separate([SPELL], [(at, 80)])
    assert (found.healthy, found.faulty, found.auc) == (healthy, faulty, None)


def test_the_minutes_before_a_drill_are_not_healthy_while_another_is_at_work():
    later = Spell(NOW + MINUTE * 6, NOW + MINUTE * 9)
    assert separate([SPELL, later], [(NOW + MINUTE * 5 + SECOND * 30, 80)]).healthy == 0


@pytest.mark.django_db
class TestOfAHouse:
    def drill(self):
        return DrillRun.objects.create(
            name="stop_gone", outcome="passed", requested_at=NOW, broken_at=NOW, mended_at=NOW + MINUTE * 5,
            ended_at=NOW + MINUTE * 6, detected_s=3, verified_s=4, by="x", build="x", seed="7", profile="embedded",
            mode="practice",
        )  # fmt: skip

    def scores(self, of, start):
        for n in range(ENOUGH):
            HealthScore.objects.create(at=start + SECOND * 10 * n, overall=of, coverage=100, status="healthy")

    def test_without_drills_it_is_not_known(self):
        assert measured().auc is None and measured().drills == 0
        assert told_apart(measured())[0] == "unknown"

    def test_with_drills_it_is_computed_from_the_stored_scores(self):
        self.drill()
        self.scores(98, NOW - MINUTE * 5)
        self.scores(50, NOW + SECOND * 20)
        found = measured()
        assert told_apart(found)[0] == "ok" and "1.00" in told_apart(found)[1]
        assert (found.auc, found.drills, found.healthy, found.faulty) == (1.0, 1, ENOUGH, ENOUGH)
