"""Planted situations of two or three causes at once, with the one that must be named first.

The rule decides: open money in danger first (the more critical, then the more of it), then what stops the larger share
of the signals, then the rest by severity; a cause stands before what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.watch.diagnosis.situations import BY_NAME


@dataclass(frozen=True, slots=True)
class Combined:
    plants: tuple[str, ...]
    wins: str  # the name of the plant whose cause must come first

    @property
    def name(self) -> str:
        return "+".join(self.plants)

    @property
    def first(self) -> str:
        return BY_NAME[self.wins].first

    @property
    def setting(self) -> str:
        return BY_NAME[self.wins].setting


COMBINED: tuple[Combined, ...] = tuple(
    Combined(tuple(plants), plants[0])
    for plants in (
        # open money before signals
        ("naked_position", "same_few_rejected"),
        ("naked_position", "executor_dead", "looser_and_looser"),
        ("monitor_dead", "everything_cooling_down"),
        ("cleaned_up_stop", "symbols_that_nobody_trades"),
        ("stop_where_it_wins", "unreachable_threshold", "one_symbol_loses"),
        ("no_stop_distance", "no_margin"),
        ("beyond_its_time", "everything_cooling_down", "one_direction"),
        ("answer_lost", "raising_gate"),
        ("gate_stepped_over", "promises_too_much"),
        ("close_that_fails", "same_few_rejected", "swallowed_error"),
        # of two dangers the more critical, of equals the one with more money in it
        ("naked_position", "beyond_its_time"),
        ("cleaned_up_stop", "trailing_that_does_not_trail"),
        ("naked_position", "no_stop_distance"),
        ("exits_never_asked", "naked_position"),
        ("monitor_dead", "old_price_of_a_held_symbol", "balancer_never_called"),
        # of what stops signals, the larger share
        ("executor_dead", "balancer_never_called"),
        ("bell_without_listener", "looser_and_looser"),
        ("same_few_rejected", "balancer_that_only_sleeps"),
        ("everything_cooling_down", "swallowed_error", "looser_and_looser"),
        ("empty_universe", "promises_too_much"),
        ("nobody_may_vote", "one_symbol_loses"),
        ("short_histories", "crash_after_crash"),
        ("no_margin", "one_direction"),
        ("wrong_precision", "balancer_never_called", "one_direction"),
        # causes before what follows from them
        ("training_ended_badly", "looser_and_looser"),
        ("lonely_voter", "restarted_by_healing"),
        ("stream_deaf", "everything_cooling_down"),
        ("worker_dead", "swallowed_error"),
        ("worker_dead", "full_slots"),
        ("held_by_healing", "crash_after_crash", "import_error"),
        ("feed_of_this_morning", "balancer_never_called", "same_few_rejected"),
    )
)
