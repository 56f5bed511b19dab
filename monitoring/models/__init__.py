"""The rows of watching and steering: who may act and what they did, how well the system was, what ailed it."""

from monitoring.models.access import ApiKey, AuditEntry, FirstStep, LoginToken
from monitoring.models.healing import Incident, RemedyAttempt
from monitoring.models.health import DatabaseFinding, HealthScore

__all__ = [
    "ApiKey",
    "AuditEntry",
    "DatabaseFinding",
    "FirstStep",
    "HealthScore",
    "Incident",
    "LoginToken",
    "RemedyAttempt",
]
