"""The admin: every table, searchable; history is read-only. People act through actions, not by editing rows."""

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin


class History(ModelAdmin):
    """A table to read: nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def columns(model: type[models.Model]) -> list[str]:
    """The columns of the list: all short fields."""
    return [f.name for f in model._meta.fields if not isinstance(f, (models.JSONField, models.TextField))][:12]


def history_admin(model: type[models.Model]) -> type[History]:
    names = {f.name: f for f in model._meta.fields}
    return type(
        f"{model.__name__}History",
        (History,),
        {
            "list_display": columns(model),
            "search_fields": [n for n in ("symbol", "client_order_id", "code", "name", "kind") if n in names],
            "list_filter": [n for n in ("status", "outcome", "code", "kind", "side", "mode") if n in names],
            "list_select_related": True,
            "show_full_result_count": False,
            "ordering": ["-pk"],
        },
    )


for model in apps.get_app_config("trading").get_models():
    admin.site.register(model, history_admin(model))
