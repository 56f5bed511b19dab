"""`manage.py export`: the API's file, without the API."""

import polars
import pytest
from django.core.management import CommandError, call_command

from tests.show import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def trades(now):
    make.universe(now)
    return [make.closed_trade(symbol, now) for symbol in make.SYMBOLS[:3]]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_dataset_becomes_a_file(trades, tmp_path, capsys, kind):
    file = tmp_path / f"trades.{kind}"
    call_command("export", "trades", str(file))
    read = {"csv": polars.read_csv, "jsonl": polars.read_ndjson, "parquet": polars.read_parquet}[kind]
    assert read(file)["symbol"].to_list() == make.SYMBOLS[:3]
    assert "3 rows" in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_it_takes_the_lists_filters(trades, tmp_path):
    call_command("export", "trades", str(tmp_path / "one.csv"), "--where", "symbol=ETHUSDT", "side=long", "--bom")
    text = (tmp_path / "one.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert text.count(b"\r\n") == 2


BAD = [
    (["trades", "trades.xlsx"], "ends in none of"),
    (["trades", "trades.jsonl", "--bom"], "CSV only"),
    (["trades", "trades.csv", "--where", "symbol"], "NAME=VALUE"),
    (["trades", "trades.csv", "--where", "symbol=XYZ"], "symbol: XYZ is unknown"),
    (["trades", "trades.csv", "--where", "colour=red"], "colour: is not known"),
    (["trades", "nowhere/trades.csv"], "can't be written"),
    (["nonsense", "trades.csv"], "invalid choice"),
]


@pytest.mark.parametrize(("words", "told"), BAD)
def test_what_makes_no_sense_is_named_and_leaves_no_file(trades, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=told):
        call_command("export", *words)
    assert list(tmp_path.iterdir()) == []
