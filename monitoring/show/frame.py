"""What all pages share: who may look, the frame around the content, the plain page that says what was wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from monitoring.control.permissions import ROLES
from monitoring.show import hub, panels
from monitoring.show.audience import Audience, audience
from monitoring.show.build import BUILD
from monitoring.show.guard import may_look
from monitoring.show.menu import Link, menu
from monitoring.show.panels.head import playing
from monitoring.show.scene import Scene
from monitoring.show.scripts import WORDS

View = Callable[..., HttpResponseBase]
THEMES = ("dark", "light", "auto")
PAGES = (  # name, address, the key that leads there after g
    (gettext_lazy("Overview"), "/", "o"),
    (gettext_lazy("Decisions"), "/decisions/", "d"),
    (gettext_lazy("Positions"), "/positions/", "p"),
    (gettext_lazy("Orders"), "/orders/", ""),
    (gettext_lazy("Trades"), "/trades/", "t"),
    (gettext_lazy("Reconciliation"), "/reconciliation/", ""),
    (gettext_lazy("Modules"), "/modules/", "m"),
    (gettext_lazy("Models"), "/models/", ""),
    (gettext_lazy("Policy"), "/policy/", ""),
    (gettext_lazy("Universe"), "/universe/", "u"),
    (gettext_lazy("Health"), "/health/", "h"),
    (gettext_lazy("Diagnosis"), "/diagnosis/", "c"),
    (gettext_lazy("Incidents"), "/incidents/", "i"),
    (gettext_lazy("Alerts"), "/alerts/", ""),
    (gettext_lazy("Drills"), "/drills/", ""),
    (gettext_lazy("Reliability"), "/reliability/", ""),
    (gettext_lazy("Replay"), "/replay/", ""),
    (gettext_lazy("Audit"), "/audit/", ""),
    (gettext_lazy("Settings"), "/settings/", "s"),
    (gettext_lazy("Setup"), "/setup/", ""),
)
PERMITS = {"/audit/": "audit.read"}  # pages that not everybody who may look may see, and what they need


def looking(view: View) -> View:
    """Logged in, and with a role that may look."""

    @wraps(view)
    def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_look(request.user):
            return problem(request, 403, _("You have no role yet."), _("An admin gives roles; a viewer may look."))
        return view(request, *args, **kwargs)

    return never_cache(known(ensure_csrf_cookie(seen)))


def known(view: View) -> View:
    """Logged in. A script gets a status it can't take for success; a form is not led back to where only POST goes."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if wants_json(request):
            text = _("You are no longer logged in.")
            return JsonResponse({"error": {"code": "unauthorized", "message": text, "fields": {}}}, status=401)
        return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/", "/login/")

    return asked


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def look(request: HttpRequest) -> Scene:
    """This request's look at the rows: its time, the newest marks, the person's language and roles."""
    return Scene(timezone.now(), hub.marks(), audience(request.user))


def page(
    request: HttpRequest,
    template: str,
    title: str,
    here: str,
    shows: Iterable[str] = (),
    words: dict[str, Any] | None = None,
    scene: Scene | None = None,
    status: int = 200,
) -> HttpResponse:
    """A whole page: its frame, and the panels it shows under `panels.<name>`. `here` is its place in the page list."""
    seq = hub.seq()  # before the look: whatever changes after it is newer
    scene = scene or look(request)
    drawn = {panel.name: panel.html for panel in panels.render(shows, scene.now, scene)}
    around = frame(request, title, here, scene) | {"panels": drawn, "seq": seq}
    return render(request, template, around | (words or {}), status=status)


def frame(request: HttpRequest, title: str, here: str, scene: Scene) -> dict[str, Any]:
    """What every page shows around its content."""
    roles = [role for role in ROLES if role in scene.audience.roles]
    pages = seen_by(scene.audience)
    return {
        "title": title,
        "here": here,
        "pages": pages,
        "menu": menu((*pages, *beside(request)), here),
        "now": scene.now,
        "ribbon": panels.render(["ribbon"], scene.now, scene)[0].html,
        "role": _("all roles") if len(roles) == len(ROLES) else ", ".join(_(role) for role in roles) or _("no role"),
        "audience": scene.audience,
        "theme": theme(request),
        "languages": settings.LANGUAGES,
        "build": BUILD,
        "fingerprint": settings.QUANTUM.fingerprint,
        "playing": playing(),
        "script_words": WORDS,
    }


@cache
def routed() -> tuple[tuple[Any, str, str], ...]:
    """The pages whose address leads somewhere, in the order of the list."""
    return tuple(one for one in PAGES if leads(one[1]))


def seen_by(who: Audience) -> tuple[Link, ...]:
    """The pages that these roles may see."""
    return tuple(one for one in routed() if one[1] not in PERMITS or who.may(PERMITS[one[1]]))


def beside(request: HttpRequest) -> list[Link]:
    """What is no page of ours: the admin, for its staff, and the API's own description."""
    admin: list[Link] = [(_("Admin"), "/admin/", "")] if request.user.is_staff else []
    return [*admin, ("API", "/api/v1/docs", "")]


def leads(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def theme(request: HttpRequest) -> str:
    chosen = request.COOKIES.get("theme", "dark")
    return chosen if chosen in THEMES else "dark"


def problem(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """A plain page that says what was wrong."""
    words = {"title": title, "text": text, "theme": theme(request)}
    return render(request, "monitoring/problem.html", words, status=status)
