"""Pages of rows as bytes: CSV, JSON lines, Parquet. Nothing here asks the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from monitoring.watch.words import exact

if TYPE_CHECKING:
    import pyarrow

BOM = b"\xef\xbb\xbf"
RUNS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # a cell that begins so is a formula to some spreadsheet
KEPT = Context(prec=15)  # what SQLite keeps of a number exactly
PLACES = Decimal(1).scaleb(-12)
SPECIAL = re.compile('[",\r\n]')
END = b"\r\n"
GROUP = 4_000_000  # bytes from which on a row group is written
Rows = Sequence[Sequence[Any]]


class Column(Protocol):
    """A column's name and kind: integer, number, money, text, time, boolean or json."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


Writer = Callable[[Sequence[Column], Iterable[Rows]], Generator[bytes]]


def harmless(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run."""
    return f"'{text}" if text and text[0] in RUNS else text


def money(value: Decimal | float | str) -> Decimal:
    """As it was stored: the driver of SQLite gives a float."""
    if isinstance(value, float):
        return KEPT.create_decimal_from_float(value).quantize(PLACES)
    return Decimal(value)


def utc(at: datetime) -> datetime:
    """Drivers give UTC, with or without saying so."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def text_cell(text: str) -> str:
    told = harmless(text)
    return quoted(told) if SPECIAL.search(told) else told


def iso(at: datetime) -> str:
    return f"{(at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)).isoformat()}Z"


def money_text(value: Decimal | float | str) -> str:
    return exact(money(value))


CELLS: dict[str, Callable[[Any], Any]] = {
    "integer": str,
    "number": repr,
    "text": text_cell,
    "money": money_text,
    "time": iso,
    "boolean": lambda yes: "true" if yes else "false",
    "json": quoted,
}
JSON_VALUES: dict[str, Callable[[Any], Any]] = {"money": money_text, "time": iso, "json": orjson.Fragment}
TYPED: dict[str, Callable[[Any], Any]] = {"money": money, "time": utc}


def converted(
    columns: Sequence[Column], rows: Rows, by: dict[str, Callable[[Any], Any]], null: Any = None
) -> list[Sequence[Any]]:
    """The page turned on its side, each column in the form that its kind needs."""
    sides: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for i, column in enumerate(columns):
        if turn := by.get(column.kind):
            sides[i] = [null if value is None else turn(value) for value in sides[i]]
    return sides


def as_csv(columns: Sequence[Column], pages: Iterable[Rows]) -> Generator[bytes]:
    """RFC 4180, UTF-8. Money with every digit, times in UTC, JSON as text; null is empty."""
    yield ",".join(column.name for column in columns).encode() + END
    for rows in pages:
        cells = converted(columns, rows, CELLS, null="")
        yield END.join(map(str.encode, map(",".join, zip(*cells, strict=True)))) + END


def with_bom(columns: Sequence[Column], pages: Iterable[Rows]) -> Generator[bytes]:
    """CSV for spreadsheets that take a file without the mark for their own old alphabet."""
    yield BOM
    yield from as_csv(columns, pages)


def as_jsonl(columns: Sequence[Column], pages: Iterable[Rows]) -> Generator[bytes]:
    """One object a line, money as text."""
    names = [column.name for column in columns]
    for rows in pages:
        lines = zip(*converted(columns, rows, JSON_VALUES), strict=True)
        yield b"".join(
            orjson.dumps(dict(zip(names, line, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for line in lines
        )


def as_parquet(columns: Sequence[Column], pages: Iterable[Rows]) -> Generator[bytes]:
    """Money as decimal(30, 12), times as microseconds in UTC, JSON as text; row groups of some megabytes."""
    import pyarrow as pa
    from pyarrow import parquet

    pa.set_memory_pool(pa.system_memory_pool())  # arrow's own keeps some 40 MB of what it has freed
    schema, sink, group = parquet_schema(columns), Sink(), []
    with parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for rows in pages:
            sides = converted(columns, rows, TYPED)
            arrays = [pa.array(side, field.type) for side, field in zip(sides, schema, strict=True)]
            group.append(pa.record_batch(arrays, schema=schema))
            if sum(batch.nbytes for batch in group) >= GROUP:
                writer.write_table(pa.Table.from_batches(group))
                group.clear()
                yield sink.taken()
        if group:
            writer.write_table(pa.Table.from_batches(group))
            group.clear()
    yield sink.taken()


def parquet_schema(columns: Sequence[Column]) -> pyarrow.Schema:
    import pyarrow as pa

    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "money": pa.decimal128(30, 12),
        "time": pa.timestamp("us", tz="UTC"),
        "boolean": pa.bool_(),
    }
    return pa.schema([(column.name, types.get(column.kind, pa.string())) for column in columns])


class Sink:
    """A file that only hands on what was written."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def taken(self) -> bytes:
        told = b"".join(self.parts)
        self.parts.clear()
        return told


FORMATS: dict[str, tuple[Writer, str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "jsonl": (as_jsonl, "application/x-ndjson"),
    "parquet": (as_parquet, "application/vnd.apache.parquet"),
}
