"""What a start is waiting for, told as it happens: the training's stages, and the first bar judged."""

from __future__ import annotations

from datetime import datetime

from trading.models import Cycle, TrainingRun


class Milestones:
    """News since `began`; silent after the first bar was judged."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.told = ""
        self.over = False

    def news(self) -> list[str]:
        if self.over:
            return []
        return [*self.training(), *self.judged()]

    def training(self) -> list[str]:
        run = TrainingRun.objects.filter(beat_at__gte=self.began).order_by("-id").first()
        if run is None:
            return []
        words = {"done": "trained", "failed": f"training failed ({run.error})"}
        now = words.get(run.outcome, run.stage)
        if now == self.told:
            return []
        self.told = now
        left = f", about {run.eta_seconds:.0f} s left" if run.outcome == "running" and run.eta_seconds else ""
        return [f"models: {now}{left}"]

    def judged(self) -> list[str]:
        cycle = Cycle.objects.filter(at__gte=self.began, evaluated__gt=0).order_by("id").first()
        if cycle is None:
            return []
        self.over = True
        return [f"first bar judged: {cycle.evaluated} of {cycle.symbols} symbols, {cycle.signals} signals"]
