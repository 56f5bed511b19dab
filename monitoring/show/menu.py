"""The pages in groups: what a person does there, the group of the page that is looked at opened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

Link = tuple[Any, str, str]  # name, address, the key that leads there after g

GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    ("", ("/",)),
    (gettext_lazy("Trading"), ("/decisions/", "/positions/", "/orders/", "/trades/", "/reconciliation/")),
    (gettext_lazy("Insight"), ("/models/", "/policy/", "/universe/", "/replay/")),
    (
        gettext_lazy("Operation"),
        ("/health/", "/diagnosis/", "/incidents/", "/modules/", "/alerts/", "/drills/", "/reliability/"),
    ),
    (gettext_lazy("System"), ("/settings/", "/setup/", "/audit/", "/admin/", "/api/v1/docs")),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Links below one name; without a name they stand alone. `here`: one of them is the page that is looked at."""

    name: Any
    links: tuple[Link, ...]
    here: bool


def menu(pages: Sequence[Link], here: str) -> list[Group]:
    """Every page once, in the groups' order; one that no group names stands in the last."""
    places = {address: name for name, addresses in GROUPS for address in addresses}
    found = []
    for name, addresses in GROUPS:
        mine = [page for page in pages if places.get(page[1], GROUPS[-1][0]) == name]
        mine.sort(key=lambda page: addresses.index(page[1]) if page[1] in addresses else len(addresses))
        if mine:
            found.append(Group(name, tuple(mine), any(page[1] == here for page in mine)))
    return found
