"""What it is and what runs: the system, its modules, the codes of its answers."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from monitoring.show.api import schemas, shapes
from monitoring.show.api.answers import answer
from monitoring.show.api.lists import nothing_asked
from monitoring.show.build import BUILD, VERSION
from monitoring.show.panels.head import playing
from monitoring.show.scene import Scene
from monitoring.watch import witness
from trading.codes import Code
from trading.gates.rows import switch_state

STARTED = timezone.now()
router = Router(tags=["house"])


@router.get("/system", openapi_extra=schemas.one("System"))
def system(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    config = settings.QUANTUM
    return answer(
        {
            "mode": config.mode,
            "venue": "practice exchange" if config.practising else "binanceusdm",
            "venue_url": config.QT_PRACTICE_URL if config.practising else None,
            "data_source": config.data_source,
            "playing": playing(),
            "timeframe": config.timeframe,
            "armed": False,
            "armed_until": None,
            "execution_enabled": config.execution_enabled,
            "switch": switch_state(),
            "version": VERSION,
            "build": BUILD,
            "config_hash": config.fingerprint,
            "started_at": STARTED,
            "now": timezone.now(),
        }
    )


@router.get("/modules", openapi_extra=schemas.many("Module"))
def modules(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    return answer({"items": [shapes.module(p) for p in Scene(now).pulses], "next": None, "as_of": now})


@router.get("/processes", openapi_extra=schemas.many("Process"))
def processes(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    now = timezone.now()
    seen = witness.read(now)
    items = [
        shapes.process(one, one.alive(now), {odd.what for odd in seen.odd if odd.process == one})
        for one in seen.processes
    ]
    return answer({"items": items, "next": None, "as_of": now})


@router.get("/rejection-codes", openapi_extra=schemas.many("RejectionCode"))
def rejection_codes(request: HttpRequest) -> HttpResponse:
    nothing_asked(request)
    return answer({"items": [shapes.rejection_code(c) for c in Code], "next": None, "as_of": timezone.now()})
