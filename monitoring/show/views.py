"""The pages' edges: parse, look, answer. Whoever isn't logged in is sent to the login."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from monitoring.control import actions
from monitoring.control import login as links
from monitoring.control.permissions import ROLES, NotAllowed, person
from monitoring.show import hub, panels, throttle
from monitoring.show.build import BUILD
from monitoring.show.guard import may_look
from monitoring.show.scene import Scene
from trading.gates.rows import switch_state

View = Callable[..., HttpResponseBase]
THEMES = ("dark", "light", "auto")
PAGES = (("Overview", "/"), ("Decisions", "/decisions/"))


def looking(view: View) -> View:
    """Logged in, and with a role that may look."""

    @wraps(view)
    def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_look(request.user):
            return problem(request, 403, "You have no role yet.", "An admin gives roles; a viewer may look.")
        return view(request, *args, **kwargs)

    return never_cache(known(ensure_csrf_cookie(seen)))


def known(view: View) -> View:
    """Logged in. A script gets a status it can't take for success; a form is not led back to where only POST goes."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if "application/json" in request.headers.get("Accept", ""):
            text = "You are no longer logged in."
            return JsonResponse({"error": {"code": "unauthorized", "message": text, "fields": {}}}, status=401)
        return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/", "/login/")

    return asked


def frame(request: HttpRequest, title: str, here: str, scene: Scene) -> dict[str, Any]:
    """What every page shows around its content."""
    actor = person(request.user)
    roles = [role for role in ROLES if role in actor.roles]
    theme = request.COOKIES.get("theme", "dark")
    return {
        "title": title,
        "here": here,
        "pages": PAGES,
        "now": scene.now,
        "ribbon": panels.render(["ribbon"], scene.now, scene)[0].html,
        "role": "all roles" if len(roles) == len(ROLES) else ", ".join(roles) or "no role",
        "theme": theme if theme in THEMES else "dark",
        "build": BUILD,
        "fingerprint": config_hash(),
        "playing": panels.playing(),
    }


def config_hash() -> str:
    from django.conf import settings

    return settings.QUANTUM.fingerprint


def problem(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """A plain page that says what was wrong."""
    return render(request, "monitoring/problem.html", {"title": title, "text": text, "theme": "dark"}, status=status)


@looking
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    seq = hub.seq()  # before the look: whatever changes after it is newer
    scene = Scene(timezone.now(), hub.marks())
    drawn = {panel.name: panel.html for panel in panels.render(panels.PANELS, scene.now, scene)}
    title = scene.headline.sentence
    return render(
        request, "monitoring/overview.html", frame(request, title, "/", scene) | {"panels": drawn, "seq": seq}
    )


# -- coming and going ---------------------------------------------------------------------------------------------


@never_cache
@sensitive_post_parameters("password", "token")
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """By name and password, or by the one-time token that the page's script read from the fragment."""
    if request.method == "GET":
        if request.user.is_authenticated:
            return redirect(target(request))
        return login_page(request)
    name, address = request.POST.get("username", ""), request.META.get("REMOTE_ADDR", "")
    if throttle.full(name, address):
        return login_page(request, "Too many attempts. Try again in 15 minutes.", 429)
    token = request.POST.get("token", "")
    if token:
        user = links.redeem(token, timezone.now())
        wrong = "This link was used already, or is older than 15 minutes. Log in by name and password."
    else:
        user = (
            authenticate(request, username=name, password=request.POST.get("password", "")) if storable(name) else None
        )
        wrong = "That name and password don't go together."
    if user is None:
        throttle.count(name, address)
        return login_page(request, wrong, 400)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(target(request))


def storable(text: str) -> bool:
    """No character that a database refuses."""
    return "\x00" not in text and not any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def login_page(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    words = {"wrong": wrong, "next": request.POST.get("next") or request.GET.get("next", ""), "theme": "dark"}
    return render(request, "monitoring/login.html", words, status=status)


def target(request: HttpRequest) -> str:
    """Where to go after the login: a page of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()})
    return wanted if ours else "/"


@never_cache
def admin_door(request: HttpRequest) -> HttpResponseBase:
    """The admin has no login of its own: ours counts the attempts."""
    if request.user.is_authenticated:
        return problem(request, 403, "The admin is not for you.", "An admin can make you one of the staff.")
    return redirect_to_login(target(request) if request.GET.get("next") else "/admin/", "/login/")


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("/login/")


# -- the kill switch ----------------------------------------------------------------------------------------------


@looking
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Towards halted at once; back towards trading with a reason, from the state that the page showed."""
    wants_json = "application/json" in request.headers.get("Accept", "")
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    shown = request.POST.get("shown", "")
    try:
        if shown and shown != switch_state() and loosens(shown, state):
            text = f"The switch is on {switch_state()}, not on {shown}: somebody moved it meanwhile."
            return switch_answer(request, wants_json, 409, "stale", text, {"state": text})
        done = actions.set_switch(state, reason, request.user, timezone.now())
    except actions.BadRequest as error:
        if error.field == "reason" and not reason and not wants_json:
            return render(request, "monitoring/switch.html", {"state": state, "theme": "dark"}, status=400)
        return switch_answer(request, wants_json, 400, "bad_request", str(error), {error.field: str(error)})
    except NotAllowed as error:
        return switch_answer(request, wants_json, 403, "not_allowed", str(error), {})
    if not wants_json:
        return redirect("/")
    return JsonResponse({"state": done.state, "was": done.was, "changed": done.changed, "by": done.by})


def loosens(was: str, wanted: str) -> bool:
    order = actions.STATES
    return was in order and wanted in order and order.index(wanted) < order.index(was)


def switch_answer(
    request: HttpRequest, wants_json: bool, status: int, code: str, text: str, fields: dict[str, str]
) -> HttpResponse:
    if wants_json:
        return JsonResponse({"error": {"code": code, "message": text, "fields": fields}}, status=status)
    return problem(request, status, "The switch was not moved.", text)
