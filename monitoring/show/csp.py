"""Content-Security-Policy: one dict for our pages, a wider one for the admin and for the API's documentation."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

OURS = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "style-src-attr": "'unsafe-inline'",  # custom properties such as --n: a bar's length
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self' {socket}",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
ADMIN = OURS | {
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",  # the admin theme's Alpine evaluates attributes
    "style-src": "'self' 'unsafe-inline'",
    "connect-src": "'self'",
}
DOCS = OURS | {"style-src": "'self' 'unsafe-inline'", "connect-src": "'self'"}


def policy(path: str, host: str, secure: bool) -> str:
    if path.startswith("/admin/"):
        parts = ADMIN
    elif path == "/api/v1/docs":
        parts = DOCS
    else:
        parts = OURS
    socket = f"{'wss' if secure else 'ws'}://{host}"
    return "; ".join(f"{name} {value.format(socket=socket)}" for name, value in parts.items())


class ContentSecurityPolicy:
    """Puts the header on every answer that has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Content-Security-Policy"):
            response["Content-Security-Policy"] = policy(request.path, safe_host(request), request.is_secure())
        return response


def safe_host(request: HttpRequest) -> str:
    """The host as the browser named it, if it is one of ours; it becomes part of a header."""
    from django.core.exceptions import DisallowedHost

    try:
        return request.get_host()
    except DisallowedHost:
        return "127.0.0.1"
