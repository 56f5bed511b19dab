"""Pages as bytes: what a spreadsheet, pandas and polars make of them."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pandas
import polars
import pytest

from monitoring.show.exports import formats
from monitoring.show.exports.formats import BOM, as_csv, as_jsonl, as_parquet, harmless, with_bom


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str


COLUMNS = [Column(*pair) for pair in (
    ("id", "integer"), ("price", "money"), ("share", "number"), ("why", "text"), ("at", "time"), ("yes", "boolean"),
    ("votes", "json"),
)]  # fmt: skip
AT = datetime(2026, 11, 22, 14, 32, 7, 250_000)  # noqa: DTZ001 - as the driver of SQLite gives it
ROWS = [
    (1, Decimal("-0.000000000001"), -0.25, '=HYPERLINK("http://evil.example")', AT, True, '[{"side": "long"}]'),
    (2, 30214.5, 1e-7, "Bjørn sa: «ærlig talt, på tide»\nlinje to", AT.replace(tzinfo=UTC), False, "{}"),
    (3, None, None, None, None, None, None),
]


def whole(writer, *pages):
    return b"".join(writer(COLUMNS, pages))


def test_csv_keeps_numbers_numbers_and_makes_formulas_harmless():
    rows = list(csv.reader(io.StringIO(whole(as_csv, ROWS[:2], ROWS[2:]).decode(), newline="")))
    assert rows[0] == [c.name for c in COLUMNS]
    assert rows[1] == ["1", "-0.000000000001", "-0.25", "'=HYPERLINK(\"http://evil.example\")",
                       "2026-11-22T14:32:07.250000Z", "true", '[{"side": "long"}]']  # fmt: skip
    assert rows[2][1:4] == ["30214.5", "1e-07", "Bjørn sa: «ærlig talt, på tide»\nlinje to"]
    assert rows[3] == ["3", "", "", "", "", "", ""]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra", "\na", "＝1", "−1"])
def test_what_a_spreadsheet_would_run_is_quoted(text):
    assert harmless(text) == ("'" + text if text[0] != "−" else text)


@pytest.mark.parametrize("text", ["", "a=1", " =1", "BTC/USDT:USDT", "0.78 with BTC/USDT long", "æøå"])
def test_other_text_stays_as_it_is(text):
    assert harmless(text) == text


def test_json_lines_carry_every_type():
    first, second, third = map(orjson.loads, whole(as_jsonl, ROWS).splitlines())
    assert first["why"].startswith("=HYPERLINK")  # nothing runs it here
    assert (first["price"], first["votes"], first["yes"]) == ("-0.000000000001", [{"side": "long"}], True)
    assert (second["price"], second["at"]) == ("30214.5", "2026-11-22T14:32:07.250000Z")
    assert set(third.values()) == {3, None}


def test_parquet_is_typed_in_pandas_and_polars():
    data = whole(as_parquet, *[[row] for row in ROWS])
    frame = pandas.read_parquet(io.BytesIO(data))
    assert list(frame["price"])[:2] == [Decimal("-0.000000000001"), Decimal("30214.500000000000")]
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert frame["why"][1] == ROWS[1][3]
    table = polars.read_parquet(io.BytesIO(data))
    assert table.schema["price"] == polars.Decimal(30, 12)
    assert table["at"][0] == AT.replace(tzinfo=UTC)
    assert table.null_count().row(0) == (0, 1, 1, 1, 1, 1, 1)


def test_csv_and_json_lines_open_in_pandas_and_polars():
    text, lines = whole(as_csv, ROWS), whole(as_jsonl, ROWS)
    assert list(pandas.read_csv(io.BytesIO(text))["share"])[:2] == [-0.25, 1e-7]
    assert polars.read_csv(io.BytesIO(text)).schema["share"] == polars.Float64
    assert pandas.read_json(io.BytesIO(lines), lines=True)["why"][1] == ROWS[1][3]
    assert polars.read_ndjson(io.BytesIO(whole(as_jsonl, ROWS[:1])))["price"].to_list() == ["-0.000000000001"]


def test_nothing_is_a_header_a_schema_or_no_line_at_all():
    assert whole(as_csv) == b"id,price,share,why,at,yes,votes\r\n"
    assert whole(with_bom) == BOM + whole(as_csv)
    assert whole(as_jsonl) == b""
    table = polars.read_parquet(io.BytesIO(whole(as_parquet)))
    assert (table.height, table.columns) == (0, [c.name for c in COLUMNS])


def test_parquet_comes_in_row_groups_while_it_is_made(monkeypatch):
    monkeypatch.setattr(formats, "GROUP", 2500)
    chunks = list(as_parquet(COLUMNS, [ROWS] * 25))
    assert 2 <= len(chunks) < 25
    assert polars.read_parquet(io.BytesIO(b"".join(chunks))).height == 75
