"""Template words of the export links."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django import template

register = template.Library()
PLACES = ("cursor", "limit", "page")  # where in a list one is; an export has no pages


@register.filter
def whole_list(query: str) -> str:
    """A page's query as an export asks it: the filters that say something, without the place in the list."""
    kept = [(name, value) for name, value in parse_qsl(query or "") if name not in PLACES]
    return f"?{urlencode(kept)}" if kept else ""
