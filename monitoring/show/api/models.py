"""The models: what each promised and what came, and the trainings that made or refused them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control import actions
from monitoring.show.api import query
from monitoring.show.api.answers import answer, missing
from monitoring.show.api.asked import CONTROL, CONTROL_BODY, given, shown
from monitoring.show.api.lists import documented, listing, nothing_asked, number
from monitoring.show.api.once import once
from monitoring.show.api.query import Field
from trading.forecast.retraining import OLD_BARS
from trading.models import ModelFinding, ModelVersion, TrainingRun

router = Router(tags=["models"])
STATUS = Field("status", query.choice("champion", "challenger", "retired", "quarantined"), "a model's status")
OUTCOME = Field("outcome", query.choice("running", "done", "failed"), "running, done or failed")
ROLLBACK_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": False, "required": ["version", "reason"], "properties": {
            "version": {"type": "string", "maxLength": 40},
            "reason": {"type": "string", "maxLength": actions.REASON_LENGTH},
            "shown": {"type": "object", "description": "in_force: versions that vote, as shown; 409 where others do"},
            "as_of": {"type": "string", "description": "when that was shown; 409 where that is too long ago"},
        }}}}},
    "parameters": CONTROL_BODY["parameters"],
}  # fmt: skip
VERDICT = Field("verdict", query.choice("promoted", "refused"), "promoted or refused")


@router.get("/models", openapi_extra=documented(STATUS))
def models(request: HttpRequest) -> HttpResponse:
    """Newest first. What the Model Supervisor found is of its last look; null for models that it did not look at."""
    now = timezone.now()
    found = last_look()

    def shape(row: ModelVersion) -> dict[str, Any]:
        return model_shape(row, now, found.get((row.kind, row.version)))

    return listing(request, ModelVersion.objects.all(), shape, "trained_at", {"status": "status"}, (STATUS,))


@router.get("/models/{model_id}")
def model(request: HttpRequest, model_id: str) -> HttpResponse:
    """One model, with the newest finding about it, all topics and their evidence."""
    nothing_asked(request)
    row = ModelVersion.objects.select_related("run").filter(pk=number(model_id)).first()
    if row is None:
        raise missing("model", model_id)
    found = ModelFinding.objects.filter(kind=row.kind, version=row.version).order_by("-at").first()
    whole = ModelFinding.objects.filter(kind=ModelFinding.ENSEMBLE, version=row.version).order_by("-at").first()
    told = model_shape(row, timezone.now(), found)
    told["finding"] = finding_shape(found) if found else None
    told["ensemble"] = finding_shape(whole) if whole else None
    told["job"] = job_shape(row.run) if row.run else None
    return answer(told)


@router.get("/retraining/jobs", openapi_extra=documented(OUTCOME, VERDICT))
def jobs(request: HttpRequest) -> HttpResponse:
    """Newest first: who asked and why, how far it is, and how the challenger did against the champions."""
    filters = {"outcome": "outcome", "verdict": "verdict"}
    return listing(request, TrainingRun.objects.all(), job_shape, "started_at", filters, (OUTCOME, VERDICT))


@router.post("/retraining/jobs", openapi_extra=CONTROL_BODY)
def retrain(request: HttpRequest) -> HttpResponse:
    """Ask for a challenger: 202 and its job; while one is in training, 202 and that one."""
    nothing_asked(request)
    told = given(request)
    return once(request, lambda: asked(request, told), lambda said: 202)


def asked(request: HttpRequest, told: Mapping[str, Any]) -> dict[str, Any]:
    now = timezone.now()
    run = actions.retrain(request.user, now, told.get("reason", ""))
    return job_shape(run) | {"new": run.started_at == now}


@router.post("/retraining/rollback", openapi_extra=ROLLBACK_BODY)
def rollback(request: HttpRequest) -> HttpResponse:
    """Let a former version vote again: 200 and who votes; 409 where it can't, or where other models vote by now."""
    nothing_asked(request)
    told = query.body(request, CONTROL | {"version": query.text(40)}, optional=tuple(CONTROL))
    return once(request, lambda: reinstated(request, told))


def reinstated(request: HttpRequest, told: Mapping[str, Any]) -> dict[str, Any]:
    done = actions.roll_back(told["version"], told.get("reason", ""), request.user, timezone.now(), shown(told))
    return {"version": done.version, "kinds": done.kinds, "replaced": done.replaced}


# -- shapes -----------------------------------------------------------------------------------------------------------


def last_look() -> dict[tuple[str, str], ModelFinding]:
    """The findings of the supervisor's newest look; one query."""
    newest = ModelFinding.objects.values("mode").annotate(last=Max("at")).values("last")
    return {(row.kind, row.version): row for row in ModelFinding.objects.filter(at__in=newest)}


def model_shape(row: ModelVersion, now: datetime, found: ModelFinding | None) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "version": row.version,
        "status": row.status,
        "venue_family": row.venue_family,
        "data_source": row.data_source,
        "timeframe": row.timeframe,
        "trained_at": row.trained_at,
        "fitted_until": row.fitted_until,
        "age_s": round((now - row.trained_at).total_seconds(), 1),
        "expires_at": row.trained_at + OLD_BARS * settings.QUANTUM.bar,
        "metrics": {
            **row.metrics,
            "in_sample": row.metrics.get("in_sample"),
            "out_of_sample": row.metrics.get("out_of_sample"),
        },
        "calibration": row.calibration,
        "live_calibration": found.calibration if found else None,
        "hit_rate": found.hit_rate if found else None,
        "bias": found.bias if found else None,
        "drift": found.drift if found else None,
        "votes_share": found.votes.get("value") if found else None,
        "votes": found.votes if found else None,
        "verdict": found.verdict if found else None,
        "found_at": found.at if found else None,
        "faults": row.faults,
        "files": row.pruned_at is None,
        "alarm": row.alarm or None,
    }


def finding_shape(found: ModelFinding) -> dict[str, Any]:
    return {
        "at": found.at,
        "kind": found.kind,
        "version": found.version,
        "verdict": found.verdict,
        "n": found.n,
        "bias": found.bias,
        "calibration": found.calibration,
        "hit_rate": found.hit_rate,
        "votes": found.votes,
        "drift": found.drift,
        "advice": found.advice or None,
        "reason": found.reason or None,
        "done": found.done or None,
        "supervisor_mode": found.level,
        "mode": found.mode,
    }


def job_shape(run: TrainingRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "outcome": run.outcome,
        "stage": run.stage,
        "progress": run.progress,
        "eta_s": run.eta_seconds,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "trigger": run.trigger,
        "reason": run.reason or None,
        "requested_by": run.requested_by,
        "rows": run.rows,
        "version": run.version or None,
        "verdict": run.verdict or None,
        "code": run.code or None,
        "numbers": run.numbers or None,
        "error": run.error or None,
    }
