"""How the admin is laid out: its title, and its tables in the order the data flows."""

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

STAGES = (
    (_("The pages"), ()),
    (_("Market data"), (
            "trading.candle",
            "trading.candlefault",
            "trading.candlegap",
            "trading.clockreading",
            "trading.universesnapshot",
        )),
    (_("Models"), ("trading.modelversion", "trading.trainingrun", "trading.modelfinding")),
    (
        _("Signals and decisions"),
        ("trading.cycle", "trading.signal", "trading.signaloutcome", "trading.decision", "trading.policyversion"),
    ),
    (
        _("Limits and the switch"),
        (
            "trading.tunedsetting",
            "trading.cooldownclear",
            "trading.switchchange",
            "trading.directive",
            "trading.balancelook",
            "trading.trimproposal",
        ),
    ),
    (_("Orders"), ("trading.intent", "trading.order", "trading.ordermove", "trading.fill")),
    (
        _("Positions and money"),
        (
            "trading.position",
            "trading.closerequest",
            "trading.trimrequest",
            "trading.trade",
            "trading.fundingpayment",
            "trading.accountsnapshot",
            "trading.incomeentry",
            "trading.dailymoney",
            "trading.venuelook",
        ),
    ),
    (
        _("Modules and schedules"),
        (
            "trading.modulestate",
            "trading.modulecall",
            "trading.processstate",
            "django_celery_beat.periodictask",
            "django_celery_beat.intervalschedule",
        ),
    ),
    (
        _("Health"),
        (
            "monitoring.healthscore",
            "monitoring.databasefinding",
            "monitoring.incident",
            "monitoring.remedyattempt",
            "monitoring.alert",
            "monitoring.alertdelivery",
            "monitoring.lawminute",
            "monitoring.drillrun",
            "monitoring.reliabilityfigure",
        ),
    ),
    (
        _("The venue"),
        (
            "trading.venuekeys",
            "trading.preflightrun",
            "trading.venuestart",
            "trading.canaryrun",
            "trading.installation",
        ),
    ),
    (
        _("People"),
        ("auth.user", "auth.group", "monitoring.apikey", "monitoring.logintoken", "monitoring.auditentry",
         "monitoring.rememberedanswer", "monitoring.firststep", "admin.logentry"),
    ),
    (
        _("Unused kinds of schedules"),
        ("django_celery_beat.crontabschedule", "django_celery_beat.solarschedule",
         "django_celery_beat.clockedschedule", "django_celery_beat.periodictasks"),
    ),
)  # fmt: skip
PAGES = (
    (_("Overview"), "/"),
    (_("Decisions"), "/decisions/"),
    (_("Positions"), "/positions/"),
    (_("Modules"), "/modules/"),
    (_("Settings"), "/settings/"),
    (_("API"), "/api/v1/docs"),
)


def navigation(request: object) -> list[dict]:
    """The pages, then every table of the stages."""
    return [
        {
            "title": title,
            "collapsible": bool(tables),
            "items": [item(table) for table in tables]
            if tables
            else [{"title": name, "link": address, "active": no} for name, address in PAGES],
        }
        for title, tables in STAGES
    ]


def no(request: object) -> bool:
    """The pages are never where the admin is."""
    return False


def item(table: str) -> dict:
    from django.apps import apps
    from django.contrib import admin

    model = apps.get_model(table)
    app, name = table.split(".")
    return {
        "title": str(model._meta.verbose_name_plural).capitalize(),
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: admin.site._registry[model].has_view_permission(request),
    }


UNFOLD = {
    "SITE_TITLE": "Quantum",
    "SITE_HEADER": "Quantum",
    "SITE_SUBHEADER": _("Tables, schedules and people"),
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/icon.svg"}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "4px",
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "quantum.sidebar.navigation"},
}
