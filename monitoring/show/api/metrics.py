"""/metrics: the laws, the codes, the modules, the queues and the score as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import OperationalError

from monitoring.models import HealthScore, Incident
from monitoring.show.api.answers import Refusal, refuse
from monitoring.show.api.door import Door
from monitoring.show.build import BUILD, VERSION
from monitoring.show.exports.streaming import SLOTS
from monitoring.show.held import Held, seconds_without
from monitoring.show.scene import Pulse, Scene
from monitoring.watch.rows import newest_close
from trading.exchange.venue import OrderStatus
from trading.gates.rows import switch_state
from trading.models import AccountSnapshot, Decision, ModuleState, Order, Signal

QUEUES = ("trade", "work", "train")
SWITCHES = ("active", "reducing", "halted")
Sample = tuple[Mapping[str, str], float | None]


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who may look; a scraper sends `Authorization: Bearer KEY`."""
    try:
        Door()(request)
    except Refusal as no:
        return refuse(no)
    text = "".join(families(timezone.now()))
    response = HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def families(now: datetime) -> Iterable[str]:
    """One text for each metric; what is not known has no sample, never a 0. Some twelve queries."""
    info = {"mode": settings.QUANTUM.mode, "version": VERSION, "build": BUILD}
    scene, switch, closed = Scene(now), switch_state(), newest_close()
    yield gauge("info", "What runs here.", [(info, 1)])
    yield gauge("switch", "The kill switch's state.", [({"state": state}, state == switch) for state in SWITCHES])
    yield from decided()
    yield from protected(scene.held, now)
    unknown = Order.objects.filter(status=OrderStatus.UNKNOWN).count()
    yield gauge("orders_unknown", "Orders whose outcome is not known.", unknown)
    yield gauge("candle_age_seconds", "Since the newest candle closed.", since(closed, now))
    yield from beats(scene.pulses, now)
    yield from account(now)
    yield from health(now)
    yield gauge("queue_length", "Tasks that wait in a queue.", queues())
    yield gauge("exports_running", "Exports in this web process.", SLOTS.taken)


def decided() -> Iterable[str]:
    """Law 1 over all time; both counts read an index alone."""
    signals = Signal.objects.count()
    counted = list(Decision.objects.values_list("outcome", "code").annotate(n=Count("id")).order_by("outcome", "code"))
    by_code: list[Sample] = [({"outcome": outcome, "code": code}, n) for outcome, code, n in counted]
    yield counter("signals_total", "Signals stored.", signals)
    yield counter("decisions_total", "Decisions by outcome and first code.", by_code)
    holds = signals == sum(n for _, _, n in counted)
    yield gauge("law_holds", "1 while the law holds.", [({"law": "conservation"}, holds)])


def protected(held: list[Held], now: datetime) -> Iterable[str]:
    bare = sum(one.unprotected_since is not None for one in held)
    seconds: list[Sample] = [({"symbol": one.symbol}, seconds_without(one, now)) for one in held]
    yield gauge("positions_open", "Open positions.", len(held))
    yield gauge("positions_unprotected", "Open positions without a stop at the venue.", bare)
    yield gauge("position_unprotected_seconds", "Seconds without a stop so far, ours.", seconds)


def beats(pulses: list[Pulse], now: datetime) -> Iterable[str]:
    known = [(one.name, one.state) for one in pulses if one.state and one.state.last_tick]

    def each(value: Callable[[ModuleState], float | None]) -> list[Sample]:
        return [({"module": name}, value(state)) for name, state in known]

    up: list[Sample] = [({"module": one.name}, one.alive == "up") for one in pulses]
    yield gauge("module_up", "1 while a module beats in time.", up)
    yield gauge("module_silence_seconds", "Since a module's last tick.", each(lambda s: since(s.last_tick, now)))
    yield gauge("module_idle_seconds", "Since a module's last useful work.", each(lambda s: since(s.last_work, now)))
    yield gauge("module_took_seconds", "How long a module's last tick took.", each(lambda s: s.took_ms / 1000))
    yield counter("module_actions_total", "What a module did.", each(lambda s: s.total_actions))


def account(now: datetime) -> Iterable[str]:
    last = AccountSnapshot.objects.order_by("-at").first()
    for name in ("equity", "balance", "available", "margin_used", "unrealized"):
        value = float(getattr(last, name)) if last else None
        yield gauge(f"account_{name}_usdt", "The account as the venue told it.", value)
    yield gauge("account_age_seconds", "Since the venue showed the account.", since(last.at if last else None, now))


def health(now: datetime) -> Iterable[str]:
    last = HealthScore.objects.order_by("-at").first()
    yield gauge("score", "The scorecard's overall score, of 100.", last.overall if last else None)
    yield gauge("score_coverage", "Points of the score that were measured, of 100.", last.coverage if last else None)
    yield gauge("score_age_seconds", "Since the score was computed.", since(last.at if last else None, now))
    found = dict(Incident.objects.filter(closed_at=None).values_list("severity").annotate(n=Count("id")))
    counts: list[Sample] = [({"severity": severity}, found.get(severity, 0)) for severity in Incident.SEVERITIES]
    yield gauge("incidents_open", "Open incidents.", counts)


def since(at: datetime | None, now: datetime) -> float | None:
    return (now - at).total_seconds() if at else None


def queues() -> list[Sample]:
    """What waits in the broker; nothing where it does not answer."""
    names = [f"{settings.QUANTUM.mode}-{name}" for name in QUEUES]
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | {"socket_timeout": 1, "socket_connect_timeout": 1}
    try:
        with Connection(settings.CELERY_BROKER_URL, transport_options=options) as broker:
            channel = broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0).channel()
            return [({"queue": name}, channel._size(name)) for name in names]
    except (OperationalError, OSError, *Connection(settings.CELERY_BROKER_URL).connection_errors):
        return []


def gauge(name: str, about: str, samples: list[Sample] | float | None) -> str:
    return family(f"quantum_{name}", "gauge", about, samples)


def counter(name: str, about: str, samples: list[Sample] | float | None) -> str:
    return family(f"quantum_{name}", "counter", about, samples)


def family(name: str, kind: str, about: str, samples: list[Sample] | float | None) -> str:
    """One metric in the text format, version 0.0.4."""
    known = samples if isinstance(samples, list) else [({}, samples)]
    lines = [line(name, labels, value) for labels, value in known if value is not None]
    return f"# HELP {name} {about}\n# TYPE {name} {kind}\n{''.join(lines)}" if lines else ""


def line(name: str, labels: Mapping[str, Any], value: float) -> str:
    told = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{told}}} {float(value):.15g}\n" if told else f"{name} {float(value):.15g}\n"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
