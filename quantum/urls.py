"""Where each address leads."""

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView

from monitoring.show.api import health, universe
from monitoring.show.api import metrics as prometheus
from monitoring.show.api.app import api, no_such_path
from monitoring.show.pages import (
    alerts,
    audit,
    charts,
    control,
    decisions,
    diagnosis,
    drills,
    incidents,
    language,
    login,
    models,
    modules,
    orders,
    overview,
    policy,
    positions,
    reconciliation,
    replay,
    settings,
    setup,
    switch,
    trades,
)
from monitoring.show.pages import health as wellness
from monitoring.show.pages import steps as first_steps
from monitoring.show.pages import universe as markets

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("decisions/", decisions.index, name="decisions"),
    path("decisions/<int:number>/", decisions.page, name="decision"),
    path("positions/", positions.index, name="positions"),
    path("orders/", orders.index, name="orders"),
    path("trades/", trades.index, name="trades"),
    path("trades/<int:number>/", trades.trade, name="trade"),
    path("reconciliation/", reconciliation.index, name="reconciliation"),
    path("charts/positions/<int:number>/", charts.position),
    path("charts/decisions/<int:number>/", charts.decision),
    path("modules/", modules.index, name="modules"),
    path("models/", models.index, name="models"),
    path("policy/", policy.index, name="policy"),
    path("diagnosis/", diagnosis.index, name="diagnosis"),
    path("incidents/", incidents.index, name="incidents"),
    path("drills/", drills.index, name="drills"),
    path("drills/<slug:name>/", drills.history, name="drill"),
    path("alerts/", alerts.index, name="alerts"),
    path("audit/", audit.index, name="audit"),
    path("reliability/", drills.reliability, name="reliability"),
    path("universe/", markets.index, name="universe"),
    path("login/", login.log_in, name="login"),
    path("logout/", login.log_out, name="logout"),
    path("switch/", switch.switch, name="switch"),
    path("control/<slug:action>/", control.control, name="control"),
    path("health/", wellness.index, name="health"),
    path("replay/", replay.replay, name="replay"),
    path("first-steps/", first_steps.put_away, name="first-steps"),
    path("settings/", settings.index, name="settings"),
    path("setup/", setup.index, name="setup"),
    path("setup/keys/", setup.keys, name="setup-keys"),
    path("language/", language.choose, name="language"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", prometheus.metrics),
    path("api/universe/refresh", universe.refresh_plain),
    path("api/v1/", api.urls),
    re_path(r"^api/.*$", no_such_path),
    path("favicon.ico", RedirectView.as_view(url="/static/icon.svg")),
    path("admin/login/", login.admin_door),  # one door, with its limit on attempts
    path("admin/", admin.site.urls),
]
