"""Who may do what: four roles as Django groups, and one table of actions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, Group, User
from django.utils.translation import gettext as _

VIEWER, OPERATOR, RISK_OFFICER, ADMIN = "viewer", "operator", "risk officer", "admin"
ROLES = (VIEWER, OPERATOR, RISK_OFFICER, ADMIN)

PERMITS: dict[str, frozenset[str]] = {
    "look": frozenset(ROLES),
    "switch.stop": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),  # the safe direction: one person, one click
    "switch.release": frozenset({RISK_OFFICER}),
    "position.close": frozenset({OPERATOR, RISK_OFFICER}),
    "cooldown.clear": frozenset({OPERATOR, RISK_OFFICER}),
    "limits.tighten": frozenset({OPERATOR, RISK_OFFICER}),
    "limits.loosen": frozenset({RISK_OFFICER}),
    "universe.refresh": frozenset({OPERATOR, ADMIN}),
    "model.retrain": frozenset({OPERATOR, ADMIN}),
    "model.rollback": frozenset({RISK_OFFICER, ADMIN}),
    "module.tick": frozenset({OPERATOR, ADMIN}),
    "venue.keys": frozenset({ADMIN}),
    "venue.check": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),
    "venue.start": frozenset({RISK_OFFICER, ADMIN}),
    "venue.stop": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),
    "schedules.edit": frozenset({OPERATOR, ADMIN}),
    "incident.acknowledge": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),
    "directive.lift": frozenset({RISK_OFFICER}),
    "trim.dismiss": frozenset({OPERATOR, RISK_OFFICER}),
    "trim.apply": frozenset({OPERATOR, RISK_OFFICER}),
    "practice.break": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),  # the practice exchange only
    "drill.start": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),  # in practice mode only
    "alert.test": frozenset({OPERATOR, RISK_OFFICER, ADMIN}),
    "keys.manage": frozenset({ADMIN}),
    "audit.read": frozenset({RISK_OFFICER, ADMIN}),
}


class NotAllowed(PermissionError):
    """The person's roles do not include this action."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: a name for the audit row, and roles."""

    name: str
    roles: frozenset[str]

    def may(self, action: str) -> bool:
        return bool(self.roles & PERMITS[action])

    def must(self, action: str) -> None:
        """Raise where the roles do not include the action."""
        if not self.may(action):
            needed = " or ".join(sorted(PERMITS[action]))
            told = {"name": self.name, "action": action, "roles": needed}
            raise NotAllowed(_("%(name)s may not do %(action)s: it needs the role %(roles)s.") % told)


def person(who: User | AnonymousUser | Actor | Any) -> Actor:
    """The actor behind a Django user; whoever is unknown or inactive has no role at all."""
    if isinstance(who, Actor):
        return who
    if not getattr(who, "is_authenticated", False) or not who.is_active:
        return Actor(str(who), frozenset())
    groups = who.groups.filter(name__in=ROLES).values_list("name", flat=True)
    return Actor(who.get_username(), frozenset(groups))


def may(who: User | AnonymousUser | Actor | Any, action: str) -> bool:
    return person(who).may(action)


def machine(name: str) -> Actor:
    """The program itself, or whoever sits at its command line: they can reach the database anyway."""
    return Actor(name, frozenset(ROLES))


def grant(user: User, roles: Iterable[str]) -> None:
    """Give a user these roles, making the groups where they are absent."""
    user.groups.add(*(Group.objects.get_or_create(name=role)[0] for role in roles))
