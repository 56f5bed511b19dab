"""Whole datasets as files: `export/{dataset}.{csv|jsonl|parquet}`, streamed."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.control.permissions import person
from monitoring.show.api.answers import Refusal, refuse
from monitoring.show.api.query import Field, choice, parse
from monitoring.show.exports.datasets import DATASETS, Dataset
from monitoring.show.exports.formats import FORMATS, with_bom
from monitoring.show.exports.streaming import SLOTS, Stream

router = Router(tags=["export"])
BOM = Field("bom", choice("0", "1"), "1: begin with the mark that spreadsheets need (CSV only)", default="0")
PATH = [
    {"name": "dataset", "in": "path", "required": True, "schema": {"type": "string", "enum": sorted(DATASETS)}},
    {"name": "kind", "in": "path", "required": True, "schema": {"type": "string", "enum": sorted(FORMATS)}},
]


@router.get("/export/{dataset}.{kind}")
def export(request: HttpRequest, dataset: str, kind: str) -> HttpResponseBase:
    """Everything that matches, oldest first, with the filters of the dataset's list."""
    chosen = known(dataset, kind)
    person(request.user).must(chosen.permit)
    asked = parse(request.GET, (*chosen.fields, *([BOM] if kind == "csv" else [])))
    slot = SLOTS.take()
    if slot is None:
        return busy()
    content = Stream(written(chosen, kind, asked), slot)
    response = StreamingHttpResponse(content, content_type=FORMATS[kind][1])
    name = file_name(chosen.name, kind, timezone.now())
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def known(dataset: str, kind: str) -> Dataset:
    """The dataset; a 404 that names what is unknown."""
    wrong = {}
    if dataset not in DATASETS:
        wrong["dataset"] = f"must be one of {', '.join(DATASETS)}"
    if kind not in FORMATS:
        wrong["format"] = f"must be one of {', '.join(FORMATS)}"
    if wrong:
        raise Refusal(404, "not_found", " ".join(f"{name}: {why}." for name, why in wrong.items()), wrong)
    return DATASETS[dataset]


def written(chosen: Dataset, kind: str, asked: dict[str, Any]) -> Generator[bytes]:
    """The file, chunk by chunk; nothing is read before the first is asked for."""
    write = with_bom if asked.get("bom") == "1" else FORMATS[kind][0]
    return write(chosen.columns, chosen.read(asked))


def file_name(dataset: str, kind: str, now: datetime) -> str:
    return f"quantum-{settings.QUANTUM.mode}-{dataset}-{now:%Y-%m-%d}.{kind}"


def busy() -> HttpResponse:
    response = refuse(
        Refusal(429, "busy", f"{SLOTS.size} exports are running here. Try again in 10 s.", {"export": "must wait"})
    )
    response["Retry-After"] = "10"
    return response
