"""What the probes know at this look, read once for the score and for the diagnosis."""

from __future__ import annotations

from monitoring.show import mending
from monitoring.show.scene import Scene, open_positions, runs, snapshot, states, table
from monitoring.watch.probes.facts import Facts
from monitoring.watch.probes.rows import Known, read


def known(scene: Scene) -> Known:
    """What the page has read anyway."""
    return Known(
        config=scene.config,
        states=scene.once(states),
        switch=scene.facts.switch,
        positions=scene.once(open_positions),
        policy=scene.policy,
        runs=scene.once(runs),
        universe=scene.universe,
        account=scene.once(snapshot),
        incidents=scene.once(mending.open_incidents),
        table=scene.once(table),
    )


def probed(scene: Scene) -> Facts:
    """The probes' facts of this moment."""
    return read(scene.now, known(scene))
