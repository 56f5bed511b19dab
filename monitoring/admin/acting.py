"""What the admin's buttons share: the reason beside the list's action, errors in words, and an audit row per edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from monitoring.control import audit
from monitoring.control.actions import REASON_LENGTH, BadRequest, Stale, Unreachable
from monitoring.control.permissions import NotAllowed, person


def may_do(request: HttpRequest, permit: str) -> bool:
    """Whether the person may; their roles are read once per request."""
    known = request.__dict__.setdefault("actor", None) or person(request.user)
    request.__dict__["actor"] = known
    return known.may(permit)


class ReasonForm(ActionForm):
    """The list's action, with why."""

    reason = forms.CharField(
        required=False,
        max_length=REASON_LENGTH,
        label=gettext_lazy("Reason"),
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": gettext_lazy("Reason, kept in the audit trail")}),
    )


class Acting:
    """A table with actions: a permission named in an action is one of the house's own."""

    action_form = ReasonForm
    permits: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        """`has_close_permission` for the permit that `close` stands for."""
        key = name.removeprefix("has_").removesuffix("_permission")
        if name.startswith("has_") and key in type(self).permits:
            return lambda request: may_do(request, type(self).permits[key])
        raise AttributeError(name)


def each(request: HttpRequest, rows: Any, act: Callable[[Any, str], str]) -> None:
    """Act on every chosen row; each answers for itself."""
    reason = request.POST.get("reason", "")
    for row in rows:
        try:
            messages.success(request, act(row, reason))
        except (BadRequest, Stale, Unreachable, NotAllowed) as no:
            messages.error(request, f"{row}: {no}")


class Edited:
    """A table that people edit here, by role; every edit is one audit row."""

    permit = ""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_module_permission(request) and may_do(request, self.permit)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def facts(self, row: Any) -> dict[str, Any]:
        """What the audit row says of the edited row."""
        return {}

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        note(request, obj, "add", {"added": str(obj)} | self.facts(obj))
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        note(request, obj, "change", {"changed": told(message)} | self.facts(obj))
        return super().log_change(request, obj, message)  # type: ignore[misc]


def note(request: HttpRequest, row: models.Model, verb: str, after: dict[str, Any]) -> None:
    """One edit in the audit chain, in the edit's own transaction."""
    audit.append(
        who=person(request.user).name,
        action=f"{row._meta.model_name}.{verb}",
        target=str(row)[:120],
        after=after,
        reason=_("edited in the admin"),
        now=timezone.now(),
    )


def told(message: Any) -> Any:
    """The names of the fields that were changed, never their values: one of them may be a password."""
    if isinstance(message, str):
        return message
    return sorted({str(f) for part in message for what in part.values() for f in what.get("fields", ())})
