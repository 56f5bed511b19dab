"""The groups of pages: each page once, the one that is looked at in the open group."""

from collections import Counter

import pytest

from monitoring.show.frame import PAGES
from monitoring.show.menu import GROUPS, menu

pytestmark = pytest.mark.django_db


def test_every_page_stands_in_one_group_by_name():
    named = Counter(address for _name, addresses in GROUPS for address in addresses)
    assert set(named.values()) == {1}
    assert {address for _name, address, _key in PAGES} <= set(named)


def test_the_group_of_the_page_is_here_and_no_other():
    found = menu(PAGES, "/orders/")
    assert [str(group.name) for group in found if group.here] == ["Trading"]
    assert sorted(link[1] for group in found for link in group.links) == sorted(page[1] for page in PAGES)


def test_a_page_that_nobody_placed_is_reachable_all_the_same():
    last = menu([*PAGES, ("New", "/new/", "")], "/new/")[-1]
    assert (last.here, last.links[-1][1]) == (True, "/new/")


def test_who_is_not_of_the_staff_is_not_led_to_the_admin(reader):
    page = reader.get("/orders/").content.decode()
    assert 'href="/admin/"' not in page
    assert page.count('href="/reliability/"') == 1
    assert '<a href="/orders/" aria-current="page">' in page
