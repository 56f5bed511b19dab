"""Equity and the account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitoring.show.panels.base import SECOND, Panel, register
from monitoring.show.scene import Scene
from monitoring.watch.words import NBSP, grouped, percent


def equity(scene: Scene) -> dict[str, Any]:
    account = scene.account
    gap = scene.longest_gap
    return {
        "account": account,
        "spark": scene.spark,
        "figure": grouped(account.equity, 2) if account else "",
        "today_share": percent(account.today_share, sign=True) if account and account.today_share is not None else "",
        "loss_used": percent(account.loss_used, 1) if account else "",
        "loss_limit": percent(account.loss_limit, 0) if account else "",
        "gap_limit": f"5{NBSP}s",
        "gap": f"{grouped(gap, 1)}{NBSP}s" if gap is not None else "",
        "opened_with": grouped(account.opened_with, 2) if account and account.opened_with is not None else "",
    }


def account(scene: Scene) -> dict[str, Any]:
    return {"account": scene.account}


def account_at(scene: Scene) -> datetime | None:
    return scene.account.at if scene.account else None


register(
    Panel("equity", equity, account_at, lambda: SECOND * 30, follows=("account", "trades", "positions")),
    Panel("account", account, account_at, lambda: SECOND * 30, follows=("trades",)),
)
