"""What is allowed: the kill switch, the market's policy, self-healing's policy, and what ails the system."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min, Q

from monitoring.models import Alert, AlertDelivery, HealthScore, Incident, RemedyAttempt
from monitoring.show.metrics.text import Sample, counter, gauge, since, states
from trading.gates.directives import Level
from trading.gates.policy import Regime, Volatility
from trading.gates.rows import newest_policy, switch_state
from trading.gates.store import standing

SWITCHES = ("active", "reducing", "halted")


def families(now: datetime) -> Iterable[str]:
    """Nine queries."""
    yield states("switch", "The kill switch's state.", "state", SWITCHES, switch_state())
    yield states("safety_policy", "What self-healing allows.", "level", Level, standing(now).level)
    yield from policy(now)
    yield from health(now)
    yield from incidents(now)
    yield from alerts(now)


def policy(now: datetime) -> Iterable[str]:
    one = newest_policy()
    yield states("policy_regime", "The market as the policy sees it.", "regime", Regime, one.regime if one else None)
    yield states(
        "policy_volatility", "How the market moves.", "volatility", Volatility, one.volatility if one else None
    )
    yield gauge("policy_version", "The policy in force.", one.version if one else None)
    yield gauge("policy_min_confidence_ratio", "What a signal must reach.", one.min_confidence if one else None)
    yield gauge("policy_size_ratio", "Share of the usual size.", one.size_factor if one else None)
    yield gauge("policy_entries_allowed", "1 while the policy lets entries in.", one.entries_allowed if one else None)
    yield gauge("policy_age_seconds", "Since the policy is in force.", since(one.since if one else None, now))


def health(now: datetime) -> Iterable[str]:
    last = HealthScore.objects.order_by("-at").first()
    yield gauge("score", "The scorecard's overall score, of 100.", last.overall if last else None)
    yield gauge("score_coverage", "Points of the score that were measured, of 100.", last.coverage if last else None)
    yield gauge("score_age_seconds", "Since the score was computed.", since(last.at if last else None, now))
    if last is None:
        return
    points = [one.get("state") for part in last.evidence.get("parts", []) for one in part.get("points", [])]
    answers: list[Sample] = [({"answer": word}, points.count(word)) for word in ("ok", "fail", "unknown")]
    yield gauge("probes", "Probes by what they answered at the newest score.", answers if points else None)


def incidents(now: datetime) -> Iterable[str]:
    is_open = Incident.objects.filter(closed_at=None).order_by().values("severity")
    found = {row["severity"]: row for row in is_open.annotate(n=Count("id"), first=Min("first_seen"))}
    counts: list[Sample] = [({"severity": one}, found[one]["n"] if one in found else 0) for one in Incident.SEVERITIES]
    ages: list[Sample] = [({"severity": one}, since(row["first"], now)) for one, row in found.items()]
    yield gauge("incidents_open", "Open incidents.", counts)
    yield gauge("incident_oldest_seconds", "Since the oldest open incident was first seen.", ages)
    tried = RemedyAttempt.objects.aggregate(n=Count("id"), helped=Count("id", filter=Q(verified_at__isnull=False)))
    yield counter("remedies_total", "Remedies that were tried.", tried["n"])
    yield counter("remedies_verified_total", "Remedies whose effect was seen.", tried["helped"])


def alerts(now: datetime) -> Iterable[str]:
    found = dict(Alert.objects.filter(resolved_at=None).order_by().values_list("severity").annotate(n=Count("id")))
    counts: list[Sample] = [({"severity": one}, found.get(one, 0)) for one in Alert.SEVERITIES]
    yield gauge("alerts_open", "Alerts that are not over.", counts)
    waits = Q(sent_at=None, given_up_at=None)
    sums = AlertDelivery.objects.aggregate(
        waiting=Count("id", filter=waits), due=Min("due_at", filter=waits),
        sent=Count("id", filter=Q(sent_at__isnull=False)), given_up=Count("id", filter=Q(given_up_at__isnull=False)),
    )  # fmt: skip
    late = since(sums["due"], now)
    yield gauge("alert_deliveries_waiting", "Messages that are still to be sent.", sums["waiting"])
    yield gauge("alert_delivery_overdue_seconds", "Since the oldest of them was due.", late and max(0.0, late))
    yield counter("alert_deliveries_sent_total", "Messages that were sent.", sums["sent"])
    yield counter("alert_deliveries_given_up_total", "Messages that could not be sent.", sums["given_up"])
