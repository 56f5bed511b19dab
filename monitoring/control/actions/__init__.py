"""The mutations that people make: each one checks, changes, audits and nudges, in one transaction.

`who` is a Django user or an `Actor`. The same functions serve the page, the API, the admin and the command line. What
only the trading side can do (close, tick, refresh, train) is stored or rung for, and its outcome is read afterwards.
"""

from monitoring.control.actions.common import REASON_LENGTH, UNSEEN, BadRequest, Shown, Stale, Unreachable
from monitoring.control.actions.cooldowns import Cleared, clear_cooldown
from monitoring.control.actions.keys import create_key, revoke_key
from monitoring.control.actions.limits import Tuned, tune
from monitoring.control.actions.modules import Asked, Ticked, refresh_universe, registry, retrain, tick_module, ticked
from monitoring.control.actions.positions import Closing, close_position, closing
from monitoring.control.actions.switch import STATES, Switched, set_switch
from monitoring.control.actions.trims import Trimming, apply_trim, trimming
from monitoring.control.actions.trims import state_of as trim_state
from monitoring.control.actions.wayback import Reinstated, former_set, former_sets, roll_back

__all__ = [
    "REASON_LENGTH",
    "STATES",
    "UNSEEN",
    "Asked",
    "BadRequest",
    "Cleared",
    "Closing",
    "Reinstated",
    "Shown",
    "Stale",
    "Switched",
    "Ticked",
    "Trimming",
    "Tuned",
    "Unreachable",
    "apply_trim",
    "clear_cooldown",
    "close_position",
    "closing",
    "create_key",
    "former_set",
    "former_sets",
    "refresh_universe",
    "registry",
    "retrain",
    "revoke_key",
    "roll_back",
    "set_switch",
    "tick_module",
    "ticked",
    "trim_state",
    "trimming",
    "tune",
]
