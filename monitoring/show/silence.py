"""Whether the modules still look on whose work a page's sentence rests: what nobody looks at is not known."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitoring.show.scene import Scene, plans, states
from monitoring.watch.liveness import DOWN, NEVER, liveness
from trading import runtime

LONG = timedelta(seconds=60)  # a shorter silence is a pause


def looked_at(scene: Scene, name: str) -> datetime | None:
    """When the module last looked; one query, shared by all who ask."""
    state = scene.once(states).get(name)
    return state.last_tick if state else None


def silent(scene: Scene, name: str) -> bool:
    """It has never looked, not for long, or failed when it last did; two queries, shared by all who ask."""
    state = scene.once(states).get(name)
    if state is None or state.last_tick is None:
        return True
    if state.last_error_at and state.last_error_at >= state.last_tick:
        return True
    plan = scene.once(plans).get(name)
    every = plan.every if plan and plan.every else getattr(runtime.MODULES.get(name), "every", LONG)
    quiet = liveness(state.last_tick, every, scene.now) in (DOWN, NEVER)
    return quiet and scene.now - state.last_tick > LONG
