"""Settings in words: what each means, how its value is written, where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.show import controls
from monitoring.show.levers import limit_control
from monitoring.show.scene import Scene, tuned
from monitoring.watch import knobs
from monitoring.watch.effective import CLAMP, DATABASE, DEFAULT, ENVIRONMENT, Setting, effective
from monitoring.watch.words import clock

TITLES = {
    "mode": gettext_lazy("Mode"),
    "market": gettext_lazy("What is traded"),
    "entries": gettext_lazy("What a signal must reach"),
    "size": gettext_lazy("How much is risked"),
    "exits": gettext_lazy("How a position is protected and closed"),
    "modules": gettext_lazy("How the modules work"),
    "venue": gettext_lazy("The venue's keys"),
    "alerts": gettext_lazy("Alerts"),
    "places": gettext_lazy("This installation"),
}
SOURCES = {
    DEFAULT: gettext_lazy("default"),
    ENVIRONMENT: gettext_lazy("environment"),
    DATABASE: gettext_lazy("tuned"),
    CLAMP: gettext_lazy("tuned, and cut by the environment"),
}
ABOUT = {
    "QT_MODE": gettext_lazy("practice, paper, testnet or live"),
    "QT_PAPER_TRADING": gettext_lazy("must fit the mode"),
    "STAGING_MODE": gettext_lazy("true forbids live, whatever else is set"),
    "QT_ENABLE_EXECUTION": gettext_lazy("false rejects every signal with EXECUTION_DISABLED"),
    "QT_CONTINUOUS_LEARNING": gettext_lazy("true trains the models again on fresh outcomes"),
    "QT_SYMBOLS": gettext_lazy("the symbols; not set: all that the venue trades"),
    "QT_TIMEFRAME": gettext_lazy("the length of a bar"),
    "QT_MAX_DATA_AGE": gettext_lazy("how long after its close a candle may be decided on"),
    "QT_PRACTICE_DATA": gettext_lazy("recorded candles to play; not set: a synthetic market"),
    "QT_PRACTICE_URL": gettext_lazy("where the practice exchange listens"),
    "QT_PRACTICE_SPEED": gettext_lazy("bars of the source in one candle"),
    "QT_PRACTICE_SEED": gettext_lazy("of the synthetic market"),
    "QT_RELAY_URL": gettext_lazy("whose public prices paper mode relays"),
    "QT_TESTNET_URL": gettext_lazy("a stand-in for the venue's demo environment"),
    "QT_CONFIDENCE_THRESHOLD": gettext_lazy("a minimum confidence beside the policy's own; the strictest wins"),
    "QT_POLICY_MIN_CONF_TRENDING": gettext_lazy("minimum confidence while the market trends"),
    "QT_POLICY_MIN_CONF_RANGING": gettext_lazy("minimum confidence while the market ranges"),
    "QT_POLICY_MIN_CONF_NORMAL": gettext_lazy("minimum confidence in a normal market"),
    "QT_COOLDOWN_SECONDS": gettext_lazy("how long a symbol rests after an entry order"),
    "QT_MAX_POSITIONS": gettext_lazy("positions open at once"),
    "QT_MAX_CORRELATION": gettext_lazy("highest correlation between two open positions"),
    "QT_BIAS_THRESHOLD": gettext_lazy("share of one side from which a model counts as biased"),
    "QT_RISK_PER_TRADE": gettext_lazy("share of equity that a trade loses at its stop"),
    "QT_MAX_OPEN_RISK": gettext_lazy("share of equity that all stops together may lose"),
    "QT_MAX_DAILY_LOSS": gettext_lazy("loss of a day after which nothing enters until midnight UTC"),
    "QT_MAX_LEVERAGE": gettext_lazy("of a position's setting, and of exposure over equity"),
    "QT_MARGIN_MODE": gettext_lazy("isolated or cross"),
    "QT_STOP_PLAN": gettext_lazy("order type of the working stop"),
    "QT_STOP_ESCALATE_SECONDS": gettext_lazy("how long a passed stop may be unfilled before we leave at market"),
    "QT_STOP_ATR": gettext_lazy("the stop's distance in ATR; the models learned it"),
    "QT_BACKSTOP_ATR": gettext_lazy("the backstop's distance in ATR"),
    "QT_MIN_STOP_COSTS": gettext_lazy("the stop's smallest distance in round-trip costs; the models learned it"),
    "QT_TARGET_R": gettext_lazy("the target's distance in R; the models learned it"),
    "QT_HORIZON_BARS": gettext_lazy("bars after which a position is closed; the models learned it"),
    "QT_TRAILING_MIN_PROFIT": gettext_lazy("profit from which the stop trails, or 1 R if that is more"),
    "QT_TRAIL_DISTANCE": gettext_lazy("distance of the trailing stop in R"),
    "QT_SUPERVISOR_MODE": gettext_lazy("what the Model Supervisor does: observe, advise or enforce"),
    "QT_MODEL_SUPERVISOR_INTERVAL": gettext_lazy("first interval of the Model Supervisor; edited in the admin"),
    "QT_PORTFOLIO_BALANCER_INTERVAL": gettext_lazy("first interval of the Portfolio Balancer; edited in the admin"),
    "QT_POSITION_MONITOR_INTERVAL": gettext_lazy("first interval of the Position Monitor; edited in the admin"),
    "QT_TRAILING_CHECK_INTERVAL": gettext_lazy("first interval of the Trailing Stop Manager; edited in the admin"),
    "QT_CRITICAL_CHECK_INTERVAL": gettext_lazy("first interval of Self-Healing while something is critical"),
    "QT_API_KEY": gettext_lazy("the venue's key"),
    "QT_API_SECRET": gettext_lazy("the venue's secret"),
    "QT_API_KEY_FILE": gettext_lazy("the file that holds the key"),
    "QT_API_SECRET_FILE": gettext_lazy("the file that holds the secret"),
    "QT_FIRE_DRILL_INTERVAL": gettext_lazy("in practice mode: between two drills that start by themselves; 0 s: none"),
    "QT_ALERT_URLS": gettext_lazy("where alerts go, as apprise writes addresses"),
    "QT_ALERT_URLS_FILE": gettext_lazy("the file that holds those addresses"),
    "QT_ALERT_OWN_HOSTS": gettext_lazy("mail or web servers of your own, which may be private"),
    "QT_ALERT_QUIET_HOURS": gettext_lazy("hours in which only pages are sent"),
    "QT_ALERT_TIMEZONE": gettext_lazy("the clock of those hours"),
    "QT_ALERT_DIGEST_MINUTES": gettext_lazy("minutes between two collections of what is no page"),
    "QT_LOG_FORMAT": gettext_lazy("text or json: how each process writes its log"),
    "QT_VAR": gettext_lazy("folder of databases, logs and keys"),
    "QT_ENV_FILE": gettext_lazy("the file that is read before the environment"),
    "QT_SECRET_KEY": gettext_lazy("signs sessions"),
    "DATABASE_URL": gettext_lazy("the database; not set: SQLite in the folder var"),
    "REDIS_URL": gettext_lazy("the broker; not set: an embedded one"),
    "PORT": gettext_lazy("of this page"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One setting as the page writes it."""

    name: str
    about: str
    value: str
    default: str
    first: str
    source: str
    low: str
    high: str
    setting: Setting
    control: controls.Control | None = None


def settings(scene: Scene) -> list[Setting]:
    """Every setting in force; one query."""
    return effective(scene.once(tuned))


def line(one: Setting, scene: Scene) -> Line:
    offered = limit_control(one) if one.tunable else None
    low, high = one.allowed.low, one.allowed.high
    return Line(
        name=one.name,
        about=str(ABOUT.get(one.name, "")),
        value=written(one, one.value),
        default=written(one, one.default),
        first=written(one, one.first),
        source=str(SOURCES[one.source]),
        low="" if low is None else lowest(one, low),
        high="" if high is None else knobs.shown(one.name, high),
        setting=one,
        control=controls.offer(offered, scene.audience) if offered else None,
    )


def lowest(one: Setting, low: float) -> str:
    """The lower end; "above 0" where that end itself is not allowed."""
    text = knobs.shown(one.name, low)
    return _("above %(low)s") % {"low": text} if one.allowed.above else text


def written(one: Setting, value: Any) -> str:
    """The value with its unit; of a secret only whether it is set."""
    if one.secret:
        return _("set, not shown") if one.is_set else _("not set")
    return _("not set") if value in (None, "") else knobs.shown(one.name, value)


def grouped(scene: Scene, tunable: bool) -> list[tuple[str, list[Line]]]:
    """The lines by group, in the order of TITLES; groups without a line are left out."""
    found = [one for one in scene.once(settings) if bool(one.tunable) is tunable]
    groups = [(str(title), [line(one, scene) for one in found if one.group == key]) for key, title in TITLES.items()]
    return [(title, lines) for title, lines in groups if lines]


def summary(scene: Scene) -> tuple[str, str]:
    """How many limits are tuned, and who tuned last."""
    limits = [one for one in scene.once(settings) if one.tunable]
    moved = [one for one in limits if one.source in (DATABASE, CLAMP)]
    told = {"n": len(moved), "of": len(limits)}
    head = ngettext("%(n)s of %(of)s limits is tuned.", "%(n)s of %(of)s limits are tuned.", len(moved)) % told
    changed = [one for one in limits if one.row]
    if not moved:
        head = _("No limit is tuned: all %(of)s are as the environment or their defaults say.") % told
    if not changed:
        return head, _("Nobody has tuned one yet; a change holds from the next bar on, and the audit trail keeps it.")
    last = max(changed, key=lambda one: (one.row.changed_at, one.name))  # type: ignore[union-attr]
    names = {"name": last.name, "by": last.changed_by, "at": clock(last.changed_at), "value": written(last, last.value)}  # type: ignore[arg-type]
    text = _("%(by)s changed %(name)s at %(at)s; it is %(value)s now.") % names
    if last.reason:
        why = _("Reason: %(reason)s.") % {"reason": last.reason.rstrip(".")}
        text = f"{text} {why}"
    return head, text
