"""The reader's language: a choice in the footer, kept in a cookie."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from monitoring.show.frame import problem

YEAR = 365 * 24 * 3600


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Set the language and go back to where the reader was."""
    code, back = request.POST.get("language", ""), request.POST.get("next", "/")
    if code not in dict(settings.LANGUAGES):
        known = ", ".join(dict(settings.LANGUAGES))
        return problem(request, 400, _("There is no such language."), _("language may be one of %s.") % known)
    ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, {request.get_host()})
    answer = redirect(back if ours else "/")
    answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, code, max_age=YEAR, samesite="Lax", httponly=True)
    return answer
