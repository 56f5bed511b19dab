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


@looking
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Towards halted at once; back towards trading with a reason, from the change that the page showed."""
    script = wants_json(request)
    state, reason, shown = (request.POST.get(name, "") for name in ("state", "reason", "shown"))
    try:
        done = actions.set_switch(state, reason, request.user, timezone.now(), shown)
    except actions.Stale as error:
        return switch_answer(request, script, 409, "stale", str(error), {"state": str(error)})
    except actions.BadRequest as error:
        if error.field == "reason" and not reason and not script:
            asked = {"state": state, "shown": shown, "theme": theme(request)}
            return render(request, "monitoring/switch.html", asked, status=400)
        return switch_answer(request, script, 400, "bad_request", str(error), {error.field: str(error)})
    except NotAllowed as error:
        return switch_answer(request, script, 403, "not_allowed", str(error), {})
    if not script:
        return redirect("/")
    told = {"state": done.state, "was": done.was, "changed": done.changed, "by": done.by, "change": done.change}
    return JsonResponse(told)


def switch_answer(
    request: HttpRequest, script: bool, status: int, code: str, text: str, fields: dict[str, str]
) -> HttpResponse:
    if script:
        return JsonResponse({"error": {"code": code, "message": text, "fields": fields}}, status=status)
    return problem(request, status, _("The switch was not moved."), text)
