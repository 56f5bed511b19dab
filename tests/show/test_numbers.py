"""A number in a style, a drawing or a script's attribute reads the same in every language."""

import re

import pytest
from django.conf import settings
from django.template import engines
from django.utils import translation

from monitoring.show import panels
from monitoring.show.panels import render
from tests.show import factories as make


@pytest.mark.parametrize("language", dict(settings.LANGUAGES))
def test_a_bare_number_has_a_point_and_no_groups(language):
    template = engines["django"].from_string("{{ half }} {{ many }} {{ half|floatformat:2 }}")
    with translation.override(language):
        assert template.render({"half": 0.5, "many": 12345.5}) == "0.5 12345.5 0.50"


@pytest.mark.django_db
def test_no_length_on_the_overview_depends_on_the_language(now):
    make.holdings(now)
    make.no_trades(now)
    drawn = {}
    for language in dict(settings.LANGUAGES):
        with translation.override(language):
            html = "".join(panel.html for panel in render(panels.OVERVIEW, now))
        drawn[language] = re.findall(r'(?:style|points|d|data-limit)="([^"]*)"', html)
    assert drawn["nb"] == drawn["en"]
    assert any("--n:0." in one for one in drawn["nb"])
