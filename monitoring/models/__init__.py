"""The rows of watching and steering: who may act and what they did, and how well the system was."""

from monitoring.models.access import ApiKey, AuditEntry, LoginToken
from monitoring.models.health import DatabaseFinding, HealthScore

__all__ = ["ApiKey", "AuditEntry", "DatabaseFinding", "HealthScore", "LoginToken"]
