"""The kill switch: towards halted at once, back towards trading with a reason."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from monitoring.control import actions
from monitoring.control.permissions import NotAllowed
from monitoring.show.frame import looking, problem, theme, wants_json
from trading.gates.rows import switch_state


@looking
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Towards halted at once; back towards trading with a reason, from the state that the page showed."""
    script = wants_json(request)
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    shown = request.POST.get("shown", "")
    try:
        if shown and shown != switch_state() and loosens(shown, state):
            text = _("The switch is on %(is)s, not on %(shown)s: somebody moved it meanwhile.")
            text %= {"is": switch_state(), "shown": shown}
            return switch_answer(request, script, 409, "stale", text, {"state": text})
        done = actions.set_switch(state, reason, request.user, timezone.now())
    except actions.BadRequest as error:
        if error.field == "reason" and not reason and not script:
            return render(request, "monitoring/switch.html", {"state": state, "theme": theme(request)}, status=400)
        return switch_answer(request, script, 400, "bad_request", str(error), {error.field: str(error)})
    except NotAllowed as error:
        return switch_answer(request, script, 403, "not_allowed", str(error), {})
    if not script:
        return redirect("/")
    return JsonResponse({"state": done.state, "was": done.was, "changed": done.changed, "by": done.by})


def loosens(was: str, wanted: str) -> bool:
    order = actions.STATES
    return was in order and wanted in order and order.index(wanted) < order.index(was)


def switch_answer(
    request: HttpRequest, script: bool, status: int, code: str, text: str, fields: dict[str, str]
) -> HttpResponse:
    if script:
        return JsonResponse({"error": {"code": code, "message": text, "fields": fields}}, status=status)
    return problem(request, status, _("The switch was not moved."), text)
