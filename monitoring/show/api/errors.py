"""Whatever goes wrong outside an endpoint (a wrong method, a wrong host, too large a body) has the API's shape too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from monitoring.show.api.answers import Refusal, refuse

WORDS = {
    400: ("bad_request", "The request can't be read.", "request"),
    403: ("not_allowed", "This is not allowed.", "request"),
    404: ("not_found", "There is no such address; /api/v1/docs lists them.", "path"),
    405: ("method_not_allowed", "This address does not take that method.", "method"),
    413: ("too_large", "The body is too large.", "body"),
    500: ("internal", "Something failed here; it has been logged.", "request"),
}


class ApiErrors:
    """Turns plain error pages under /api/ into JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        json = response.get("Content-Type", "").startswith("application/json")
        if not request.path.startswith("/api/") or response.status_code < 400 or json:
            return response
        code, message, field = WORDS.get(response.status_code, ("refused", "The request was refused.", "request"))
        told = refuse(Refusal(response.status_code, code, message, {field: message}))
        if response.has_header("Allow"):
            told["Allow"] = response["Allow"]
        return told
