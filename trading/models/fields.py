"""Field shapes that several stages share."""

from typing import Any

from django.db import models


def money(**options: Any) -> models.DecimalField:
    """USDT, price or quantity: exact, twelve places."""
    return models.DecimalField(max_digits=30, decimal_places=12, **options)


def symbol(**options: Any) -> models.CharField:
    """A market as ccxt writes it: BTC/USDT:USDT."""
    return models.CharField(max_length=40, **options)


def side(**options: Any) -> models.CharField:
    return models.CharField(max_length=5, choices=[("long", "long"), ("short", "short")], **options)


def within(field: str, low: float, high: float) -> models.Q:
    """A range that NaN fails too, on both databases."""
    return models.Q(**{f"{field}__gte": low, f"{field}__lte": high})
