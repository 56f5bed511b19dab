"""`manage.py why` says only what was looked at."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from trading.models import Cycle, UniverseSnapshot

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, 1, 2, tzinfo=UTC)


def test_before_there_is_a_universe_it_says_so():
    with pytest.raises(CommandError, match="No universe is known yet"):
        call_command("why", "BTCUSDT")


def test_a_symbol_that_is_not_traded_was_not_evaluated(capsys):
    listed = [
        {"symbol": "BTC/USDT:USDT", "rank": 1, "status": "in", "why": ""},
        {"symbol": "OLD/USDT:USDT", "rank": None, "status": "out", "why": "the venue does not trade it now"},
    ]
    UniverseSnapshot.objects.create(at=NOW, symbols=listed, source="test", requested_by="test")
    Cycle.objects.create(timeframe="1m", bar=NOW.replace(second=0), at=NOW, symbols=1, evaluated=1, flat=1)
    call_command("why", "OLDUSDT")
    said = capsys.readouterr().out
    assert "OLD/USDT:USDT is not traded: the venue does not trade it now." in said and "flat" not in said
    call_command("why", "BTCUSDT")
    assert "BTC/USDT:USDT was evaluated and is flat" in capsys.readouterr().out
