"""Whom a panel is drawn for: one render serves everybody with the same language and the same roles."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation.trans_real import get_supported_language_variant, parse_accept_lang_header

from monitoring.control.permissions import ROLES, Actor, person


@dataclass(frozen=True, slots=True)
class Audience:
    """Without roles: somebody who only looks."""

    language: str = "en"
    roles: frozenset[str] = frozenset()

    def may(self, action: str) -> bool:
        """Whether the action's control is drawn as one that can be pressed."""
        return Actor("", self.roles).may(action)

    @property
    def all_roles(self) -> bool:
        return self.roles == frozenset(ROLES)


def audience(who: Any, language: str = "") -> Audience:
    """The audience that a Django user belongs to, in the language of the request or socket."""
    return Audience(known(language or translation.get_language() or "en"), person(who).roles)


def known(language: str) -> str:
    """A language that the pages are written in; English where it is another."""
    names = [code for code, _ in settings.LANGUAGES]
    return next((code for code in (language, language.split("-")[0]) if code in names), "en")


def spoken(page: str | None, cookies: str | None, accepted: str | None) -> str:
    """A socket's language: its page's, else the cookie's, else the browser's, as a page would be written for it."""
    from http.cookies import CookieError, SimpleCookie

    try:
        chosen = SimpleCookie(cookies or "").get(settings.LANGUAGE_COOKIE_NAME)
    except CookieError:
        chosen = None
    accepts = (name for name, _ in parse_accept_lang_header((accepted or "").lower()))
    for language in (page, chosen.value if chosen else None, *accepts):
        with suppress(LookupError):
            return get_supported_language_variant(language or "")
    return known(settings.LANGUAGE_CODE)
