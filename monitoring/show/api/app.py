"""The HTTP API: `/api/v1/`. Each endpoint parses, asks one question of the rows, and answers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from monitoring.control import actions
from monitoring.control.permissions import NotAllowed
from monitoring.show.api import (
    alerts,
    controls,
    data,
    diagnosis,
    drills,
    export,
    house,
    incidents,
    judged,
    models,
    money,
    practice,
    reconciliation,
    risk,
    schemas,
    scorecard,
    settings,
    switch,
    trims,
)
from monitoring.show.api.answers import Refusal, bad, refuse
from monitoring.show.api.door import Door


class Api(NinjaAPI):
    """With the shapes of the answers among the components."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"].setdefault("schemas", {}).update(schemas.components())
        return schema


api = Api(
    title="Quantum",
    version="1",
    description="What the system does and why. Money is text, times are UTC.",
    auth=Door(),
    urls_namespace="api-v1",
)
api.add_router("", house.router)
api.add_router("", judged.router)
api.add_router("", money.router)
api.add_router("", reconciliation.router)
api.add_router("", data.router)
api.add_router("", models.router)
api.add_router("", switch.router)
api.add_router("", controls.router)
api.add_router("", practice.router)
api.add_router("", settings.router)
api.add_router("", risk.router)
api.add_router("", export.router)
api.add_router("", scorecard.router)
api.add_router("", incidents.router)
api.add_router("", drills.router)
api.add_router("", diagnosis.router)
api.add_router("", trims.router)
api.add_router("", alerts.router)


# -- errors: one shape --------------------------------------------------------------------------------------------


@api.exception_handler(Refusal)
def refused(request: HttpRequest, no: Refusal) -> HttpResponse:
    return refuse(no)


@api.exception_handler(NotAllowed)
def not_allowed(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    return refuse(Refusal(403, "not_allowed", str(error), {"user": "has no role for this"}))


@api.exception_handler(actions.BadRequest)
def senseless(request: HttpRequest, error: actions.BadRequest) -> HttpResponse:
    return refuse(bad({error.field: str(error)}))


@api.exception_handler(actions.Stale)
def stale(request: HttpRequest, error: actions.Stale) -> HttpResponse:
    return refuse(Refusal(409, "stale", str(error), {"shown": "is not so any more"}))


@api.exception_handler(actions.Unreachable)
def unreachable(request: HttpRequest, error: actions.Unreachable) -> HttpResponse:
    return refuse(Refusal(409, "unreachable", str(error)))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = {str(e["loc"][-1]): str(e["msg"]) for e in error.errors}
    return refuse(bad(fields))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return refuse(Refusal(error.status_code, "refused", str(error)))


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    return refuse(
        Refusal(404, "not_found", "There is no such address; /api/v1/docs lists them.", {"path": "is unknown"})
    )
