"""Controls in the admin: on the rows that they act on, with the page's own permission checks, reasons and audit."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from monitoring.admin.acting import Acting, each
from monitoring.control import actions, incidents
from monitoring.watch.words import market
from trading.admin import History, history_of
from trading.models import (
    ModelVersion,
    ModuleState,
    Order,
    Position,
    SwitchChange,
    TrainingRun,
    TrimProposal,
    TunedSetting,
    UniverseSnapshot,
)


class Levers(Acting, History):
    """History with something to press."""


def lever(model: type[models.Model]) -> type:
    """Give a table that has an admin already one with actions."""

    def register(mixin: type) -> type:
        if admin.site.is_registered(model):
            admin.site.unregister(model)
        made = type(mixin.__name__, (mixin, history_of(model, Levers)), {"__doc__": mixin.__doc__})
        admin.site.register(model, made)
        return mixin

    return register  # type: ignore[return-value]


@lever(Position)
class Positions:
    """Open positions can be closed."""

    permits = {"close": "position.close"}
    actions = ["close"]

    @admin.action(description=gettext_lazy("Close these positions"), permissions=["close"])
    def close(self, request: HttpRequest, rows: QuerySet[Position]) -> None:
        def act(row: Position, reason: str) -> str:
            actions.close_position(row.pk, reason, request.user, timezone.now())
            return _("%(symbol)s: its close is asked for.") % {"symbol": market(row.symbol)}

        each(request, rows, act)


@lever(TrimProposal)
class Trims:
    """A proposed trim can be applied, or dismissed."""

    permits = {"apply": "trim.apply", "dismiss": "trim.dismiss"}
    actions = ["apply", "dismiss"]

    @admin.action(description=gettext_lazy("Apply these trims"), permissions=["apply"])
    def apply(self, request: HttpRequest, rows: QuerySet[TrimProposal]) -> None:
        def act(row: TrimProposal, reason: str) -> str:
            actions.apply_trim(row.pk, reason, request.user, timezone.now())
            return _("%(symbol)s: its trim is asked for.") % {"symbol": market(row.symbol)}

        each(request, rows, act)

    @admin.action(description=gettext_lazy("Dismiss these trims"), permissions=["dismiss"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[TrimProposal]) -> None:
        def act(row: TrimProposal, reason: str) -> str:
            incidents.dismiss_trim(row.pk, request.user, timezone.now(), reason)
            return _("%(symbol)s stays as it is.") % {"symbol": market(row.symbol)}

        each(request, rows, act)


@lever(Order)
class Orders:
    """An entry order's cooldown can be cleared."""

    permits = {"clear": "cooldown.clear"}
    actions = ["clear"]

    @admin.action(description=gettext_lazy("Clear the cooldowns that these started"), permissions=["clear"])
    def clear(self, request: HttpRequest, rows: QuerySet[Order]) -> None:
        def act(row: Order, reason: str) -> str:
            shown = actions.Shown({"order_id": row.pk})
            done = actions.clear_cooldown(row.intent.symbol, reason, request.user, timezone.now(), shown)
            return _("%(symbol)s may be entered again.") % {"symbol": market(done.symbol)}

        each(request, rows.select_related("intent"), act)


@lever(ModuleState)
class Modules:
    """Modules can be run by hand."""

    permits = {"tick": "module.tick"}
    actions = ["tick"]

    @admin.action(description=gettext_lazy("Run these modules now"), permissions=["tick"])
    def tick(self, request: HttpRequest, rows: QuerySet[ModuleState]) -> None:
        def act(row: ModuleState, reason: str) -> str:
            asked = actions.tick_module(row.name, request.user, timezone.now(), reason)
            return _("%(title)s was rung for.") % {"title": asked.title}

        each(request, rows, act)


class Leading:
    """A table whose control has a page of its own."""

    def lead(self, request: HttpRequest, address: str) -> HttpResponseRedirect:
        if not request.user.is_staff:
            messages.error(request, _("The admin is not for you."))
        return redirect(address)


@lever(UniverseSnapshot)
class Universe(Leading):
    """The universe can be refreshed."""

    actions_list = ["refresh"]

    @action(description=gettext_lazy("Refresh the universe"), url_path="refresh-universe")
    def refresh(self, request: HttpRequest) -> HttpResponseRedirect:
        return self.lead(request, "/control/universe/")


@lever(ModelVersion)
class Models(Leading):
    """New models can be trained, and a former version brought back."""

    permits = {"back": "model.rollback"}
    actions_list = ["train"]
    actions = ["back"]

    @admin.action(description=gettext_lazy("Bring these models' versions back"), permissions=["back"])
    def back(self, request: HttpRequest, rows: QuerySet[ModelVersion]) -> None:
        def act(row: ModelVersion, reason: str) -> str:
            done = actions.roll_back(row.version, reason, request.user, timezone.now())
            return _("Version %(version)s votes again.") % {"version": done.version}

        each(request, {row.version: row for row in rows}.values(), act)

    @action(description=gettext_lazy("Train new models"), url_path="train-models")
    def train(self, request: HttpRequest) -> HttpResponseRedirect:
        return self.lead(request, "/control/retrain/")


@lever(TrainingRun)
class Trainings(Leading):
    """So they can be from the list of trainings."""

    actions_list = ["train"]

    @action(description=gettext_lazy("Train new models"), url_path="train-again")
    def train(self, request: HttpRequest) -> HttpResponseRedirect:
        return self.lead(request, "/control/retrain/")


@lever(TunedSetting)
class Tuned(Leading):
    """Limits are tuned on the settings' page."""

    actions_list = ["tune"]

    @action(description=gettext_lazy("Tune limits"), url_path="tune-limits")
    def tune(self, request: HttpRequest) -> HttpResponseRedirect:
        return self.lead(request, "/settings/")


@lever(SwitchChange)
class Switch(Leading):
    """The switch is moved in the ribbon."""

    actions_list = ["move"]

    @action(description=gettext_lazy("Move the switch"), url_path="move-switch")
    def move(self, request: HttpRequest) -> HttpResponseRedirect:
        return self.lead(request, "/")
