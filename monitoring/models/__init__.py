"""The rows of watching and steering: who may act and what they did, how well the system was, what ailed it."""

from monitoring.models.access import ApiKey, AuditEntry, FirstStep, LoginToken, RememberedAnswer
from monitoring.models.alerts import Alert, AlertDelivery, LawMinute
from monitoring.models.drills import DrillRun, ReliabilityFigure
from monitoring.models.healing import Incident, RemedyAttempt
from monitoring.models.health import DatabaseFinding, HealthScore

__all__ = [
    "Alert",
    "AlertDelivery",
    "ApiKey",
    "AuditEntry",
    "DatabaseFinding",
    "DrillRun",
    "FirstStep",
    "HealthScore",
    "Incident",
    "LawMinute",
    "LoginToken",
    "ReliabilityFigure",
    "RememberedAnswer",
    "RemedyAttempt",
]
