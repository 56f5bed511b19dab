"""What follows from what: the table by which a symptom finds its root. Pure.

A pattern is a cause (`CANDLES_STALE`), a cause and its subject (`MODULE_DOWN:executor`), or, of what follows, a cause
of the same subject as its root (`UNPROTECTED=`).
"""

from __future__ import annotations

from collections.abc import Mapping

from monitoring.watch.diagnosis.problem import Cause, Problem
from trading.codes import Code

OF_CODE = ("SIGNALS_REJECTED", "SAME_REJECTIONS")
LOW = tuple(f"{of}:{Code.LOW_CONFIDENCE}" for of in OF_CODE)
STALE = tuple(f"{of}:{code}" for of in OF_CODE for code in (Code.FEED_STALE, Code.STALE_SIGNAL, Code.PRICE_STALE))
NO_ACCOUNT = tuple(f"{of}:{Code.INFRA_UNAVAILABLE}" for of in OF_CODE)
WEAK = tuple(f"{of}:{Code.WEAK_CONSENSUS}" for of in OF_CODE)
FAILED = tuple(f"{of}:{Code.EXCHANGE_REJECT}" for of in OF_CODE)
HELD = (f"SIGNALS_REJECTED:{Code.SELF_HEALING_NO_NEW_TRADES}", f"SAME_REJECTIONS:{Code.SELF_HEALING_NO_NEW_TRADES}")
EXITS = ("EXITS_NOT_JUDGED", "POSITION_OVERDUE", "CLOSE_FAILS", "UNPROTECTED", "ORDERS_NOT_SETTLED", "HELD_PRICE_STALE")
SILENCES = ("MODULE_BROKEN", "MODULE_NEVER_CALLED", "SCHEDULE_OFF", "MODULE_DOWN", "MODULE_FAILS")
FOLLOWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("PROCESS_DOWN:worker", (*EXITS, "BARS_NOT_JUDGED", "MODULE_DOWN", "WORKS_ON_NOTHING", "ACCOUNT_UNREAD",
                             "TRAILING_BEHIND", "NOTHING_TO_LEARN", *STALE, *NO_ACCOUNT)),
    ("PROCESS_DOWN:stream", ("CANDLES_STALE", "STREAM_SILENT", "HELD_PRICE_STALE", "MODULE_DOWN:data_feed",
                             "BARS_NOT_JUDGED", *STALE)),
    ("STREAM_SILENT", ("CANDLES_STALE", "HELD_PRICE_STALE", "MODULE_DOWN:data_feed", "BARS_NOT_JUDGED",
                       *STALE)),
    ("CANDLES_STALE", ("BARS_NOT_JUDGED", *STALE)),
    *(
        pair
        for silence in SILENCES
        for pair in (
            (f"{silence}:executor", ("BARS_NOT_JUDGED", "WORKS_ON_NOTHING:risk_guard",
                                     "WORKS_ON_NOTHING:policy")),
            (f"{silence}:position_monitor", EXITS),
            (f"{silence}:trailing", ("TRAILING_BEHIND", "WORKS_ON_NOTHING:trailing")),
            (f"{silence}:data_feed", ("CANDLES_STALE", "BARS_NOT_JUDGED", *STALE)),
            (f"{silence}:exchange", ("ACCOUNT_UNREAD", *NO_ACCOUNT)),
            (f"{silence}:risk_guard", ("WORKS_ON_NOTHING:risk_guard",)),
            (f"{silence}:policy", ("WORKS_ON_NOTHING:policy",)),
            (f"{silence}:portfolio_balancer", ("WORKS_ON_NOTHING:portfolio_balancer",)),
            (f"{silence}:model_supervisor", ("WORKS_ON_NOTHING:model_supervisor",)),
            (f"{silence}:models", ("NO_MODEL",)),
            (f"{silence}:retraining_orchestrator", ("NOTHING_TO_LEARN",)),
        )
    ),
    ("MODULE_BROKEN", ("MODULE_NEVER_CALLED=", "MODULE_DOWN=")),
    ("SCHEDULE_OFF", ("MODULE_DOWN=", "MODULE_NEVER_CALLED=")),
    ("CRASH_LOOP", ("PROCESS_DOWN=",)),
    ("WORKS_ON_NOTHING:trailing", ("TRAILING_BEHIND",)),
    ("TRAINING_FAILED", ("NO_MODEL",)),
    ("UNIVERSE_EMPTY", ("BARS_NOT_JUDGED",)),
    ("KEYS_REFUSED", ("ACCOUNT_UNREAD", "ORDERS_FAIL", "MODULE_FAILS:exchange", "MODULE_FAILS:position_monitor",
                      "MODULE_FAILS:universe", "EXITS_NOT_JUDGED", *NO_ACCOUNT, *FAILED)),
    ("RATE_LIMITED", ("ACCOUNT_UNREAD", "ORDERS_FAIL", "MODULE_FAILS:exchange", "MODULE_FAILS:position_monitor",
                      "MODULE_FAILS:universe", "MODULE_FAILS:data_feed", *NO_ACCOUNT, *FAILED)),
    ("ORDERS_REFUSED", ("ORDERS_FAIL", *FAILED)),
    ("ORDERS_FAIL", FAILED),
    ("STOP_ON_WRONG_SIDE", ("STOP_WOULD_TRIGGER", "CLOSED_AT_ONCE")),
    ("STOP_WOULD_TRIGGER", ("CLOSED_AT_ONCE", f"SIGNALS_REJECTED:{Code.SL_REJECTED_CLOSED}")),
    ("STOP_TOO_NEAR", ("CLOSED_AT_ONCE", "STOP_WOULD_TRIGGER")),
    ("ACCOUNT_UNREAD", NO_ACCOUNT),
    ("ORDERS_NOT_SETTLED", (f"SIGNALS_REJECTED:{Code.UNRESOLVED_ORDER}", f"SIGNALS_REJECTED:{Code.TIMEOUT_UNKNOWN}",
                            f"SAME_REJECTIONS:{Code.UNRESOLVED_ORDER}")),
    ("STOPS_CANCELLED", ("UNPROTECTED=",)),
    ("EXITS_NOT_JUDGED", ("POSITION_OVERDUE", "HELD_PRICE_STALE")),
    ("POSITION_OVERDUE", ("SLOTS_STUCK",)),
    ("CLOSE_FAILS", ("POSITION_OVERDUE=", "SLOTS_STUCK")),
    ("FEATURES_MISMATCHED", ("FEW_VOTERS", "NO_MODEL", *WEAK)),
    ("MODELS_EXCLUDED", ("FEW_VOTERS", *WEAK)),
    ("FEW_VOTERS", WEAK),
    ("UNKNOWN_CODE", ("SIGNALS_REJECTED=", "SAME_REJECTIONS=")),
    ("SAME_REJECTIONS", ("SIGNALS_REJECTED=",)),
    ("THRESHOLD_UNREACHABLE", ("MINIMUM_OVERRIDDEN", "NEAR_THRESHOLD", *LOW)),
    ("MINIMUM_OVERRIDDEN", ("NEAR_THRESHOLD", *LOW)),
    ("SYMBOLS_NOT_TRADING", tuple(f"{of}:{Code.SYMBOL_NOT_TRADING}" for of in OF_CODE)),
    ("GATE_FAILS", tuple(f"{of}:{Code.GATE_ERROR}" for of in OF_CODE)),
    ("ENTRIES_HELD", HELD),
)  # fmt: skip


INCIDENTS: tuple[tuple[str, tuple[str, ...]], ...] = (  # what an incident is called, and what it is here
    ("MODULE_SILENT", ("MODULE_BROKEN=", "SCHEDULE_OFF=", "MODULE_DOWN=", "MODULE_NEVER_CALLED=")),
    ("MODULE_FAILING", ("MODULE_FAILS=",)),
    ("PROCESS_SILENT", ("CRASH_LOOP=", "PROCESS_DOWN=")),
    ("STREAM_SILENT", ("PROCESS_DOWN:stream", "STREAM_SILENT")),
    ("FEED_STALE", ("PROCESS_DOWN:stream", "STREAM_SILENT", "CANDLES_STALE")),
    ("UNPROTECTED", ("UNPROTECTED",)),
    ("ORDER_UNKNOWN", ("ORDERS_NOT_SETTLED",)),
)


def root_of_hold(hold: Problem, found: list[Problem]) -> str:
    """What the incident of a directive is about: MODULE_SILENT:executor is MODULE_DOWN:executor."""
    code, _, subject = hold.subject.partition(":")
    wanted = [pattern for name, patterns in INCIDENTS if name == code for pattern in patterns]
    for pattern in wanted:
        key = f"{pattern[:-1]}:{subject}" if pattern.endswith("=") else pattern
        if root := next((one for one in found if matches(one, key)), None):
            return root.key
    return ""


def root_for(problem: Problem, found: list[Problem]) -> str:
    """The key of the first problem, in the order of the table, that explains this one; "" where none does."""
    if problem.cause is Cause.ENTRIES_HELD:
        return root_of_hold(problem, found)
    for pattern, followers in FOLLOWS:
        for root in found:
            if root.key != problem.key and matches(root, pattern) and explained(problem, root, followers):
                return root.key
    return ""


def matches(problem: Problem, pattern: str) -> bool:
    return pattern in (problem.key, problem.cause.value)


def explained(problem: Problem, root: Problem, followers: tuple[str, ...]) -> bool:
    same = f"{problem.cause}=" in followers and problem.subject == root.subject
    return same or problem.key in followers or problem.cause.value in followers


def ends_at(key: str, root_of: Mapping[str, str]) -> str:
    """The root of the roots; a circle would be a fault of the table, and ends where it began."""
    walked = {key}
    while (root := root_of.get(key)) and root not in walked:
        walked.add(root)
        key = root
    return key
