"""Coming and going."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from monitoring.control import login as links
from monitoring.show import throttle
from monitoring.show.frame import problem, theme


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
        return login_page(request, _("Too many attempts. Try again in 15 minutes."), 429)
    token = request.POST.get("token", "")
    if token:
        user = links.redeem(token, timezone.now())
        wrong = _("This link was used already, or is older than 15 minutes. Log in by name and password.")
    else:
        user = (
            authenticate(request, username=name, password=request.POST.get("password", "")) if storable(name) else None
        )
        wrong = _("That name and password don't go together.")
    if user is None:
        throttle.count(name, address)
        return login_page(request, wrong, 400)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(target(request))


def storable(text: str) -> bool:
    """No character that a database refuses."""
    return "\x00" not in text and not any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def login_page(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    words = {"wrong": wrong, "next": request.POST.get("next") or request.GET.get("next", ""), "theme": theme(request)}
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
        return problem(request, 403, _("The admin is not for you."), _("An admin can make you one of the staff."))
    return redirect_to_login(target(request) if request.GET.get("next") else "/admin/", "/login/")


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("/login/")
