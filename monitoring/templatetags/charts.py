"""`{% chart figure %}`: a figure of monitoring/show/charts.py with its sentence and its table behind a link."""

from __future__ import annotations

from django import template

from monitoring.show.charts import Figure

register = template.Library()


@register.inclusion_tag("monitoring/parts/chart.html")
def chart(figure: Figure | None, without: str = "") -> dict[str, object]:
    """The figure; where there is none, what will appear and when."""
    return {"figure": figure, "without": without}
