"""People, their roles and their keys: for admins."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from monitoring.admin.acting import Acting, Edited, each, may_do
from monitoring.control import actions
from monitoring.models import ApiKey, AuditEntry, LoginToken, RememberedAnswer
from trading.admin import History, history_of

admin.site.unregister(User)
admin.site.unregister(Group)


class ForAdmins(History):
    """Seen by those who manage people."""

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_view_permission(request, obj) and may_do(request, "keys.manage")


class ForAuditors(History):
    """Seen by those who may read the audit trail."""

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_view_permission(request, obj) and may_do(request, "audit.read")


@admin.register(User)
class Users(Edited, DjangoUserAdmin, ModelAdmin):
    """People and their roles. Whoever leaves is made inactive, so that what they did keeps its name."""

    permit = "keys.manage"
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "roles", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Roles"), {"fields": ("is_active", "is_staff", "groups")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("groups",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def facts(self, user: User) -> dict[str, Any]:
        roles = sorted(user.groups.values_list("name", flat=True))
        return {"roles": roles, "active": user.is_active, "staff": user.is_staff}

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or _("no role")

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_view_permission(request, obj) and may_do(request, self.permit)


@admin.register(Group)
class Roles(History):
    """The four roles. What each may do is in the program, so that it is the same everywhere."""

    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name",)


@admin.register(ApiKey)
class Keys(Acting, history_of(ApiKey, ForAdmins)):  # type: ignore[misc]
    """Keys can be ended here; new ones are made at the command line, where they are shown once."""

    permits = {"revoke": "keys.manage"}
    actions = ["revoke"]

    @admin.action(description=gettext_lazy("Revoke these keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> None:
        def act(row: ApiKey, reason: str) -> str:
            actions.revoke_key(row.pk, request.user, timezone.now(), reason)
            return _("Key %(id)s is revoked.") % {"id": row.pk}

        each(request, rows, act)


def registered(model: type[models.Model], base: type[History]) -> Any:
    admin.site.register(model, history_of(model, base))


registered(LoginToken, ForAdmins)
registered(RememberedAnswer, ForAdmins)
registered(AuditEntry, ForAuditors)
registered(LogEntry, ForAuditors)
