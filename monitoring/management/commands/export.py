"""A dataset as a file: `manage.py export DATASET FILE [--where NAME=VALUE ...]`."""

import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import QueryDict

from monitoring.show.api.answers import Refusal
from monitoring.show.api.query import parse
from monitoring.show.exports.datasets import DATASETS
from monitoring.show.exports.formats import FORMATS, with_bom


class Command(BaseCommand):
    help = "Writes a dataset to a file; its name's end says how: .csv, .jsonl or .parquet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", choices=sorted(DATASETS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--where", nargs="+", default=[], metavar="NAME=VALUE", help="such as symbol=BTCUSDT")
        parser.add_argument("--bom", action="store_true", help="CSV: begin with the mark that spreadsheets need")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen, file = DATASETS[options["dataset"]], options["file"]
        kind = file.suffix.removeprefix(".")
        if kind not in FORMATS:
            raise CommandError(f"{file} ends in none of {', '.join(f'.{name}' for name in FORMATS)}.")
        if options["bom"] and kind != "csv":
            raise CommandError("--bom is for CSV only.")
        try:
            asked = parse(filters(options["where"]), chosen.fields)
        except Refusal as no:
            raise CommandError(no.message) from None
        write = with_bom if options["bom"] else FORMATS[kind][0]
        counted = Counted(chosen.read(asked))
        began = time.perf_counter()
        try:
            size = put(file, write(chosen.columns, counted))
        except OSError as error:
            raise CommandError(f"{file} can't be written: {error.strerror}.") from None
        seconds = time.perf_counter() - began
        self.stdout.write(f"{file}: {counted.rows} rows, {size} bytes, {seconds:.1f} s")


class Counted:
    """Pages, counted as they go by."""

    def __init__(self, pages: Iterable[list]) -> None:
        self.pages, self.rows = pages, 0

    def __iter__(self):
        for page in self.pages:
            self.rows += len(page)
            yield page


def filters(where: list[str]) -> QueryDict:
    """`NAME=VALUE` as the API's query has them."""
    asked = QueryDict(mutable=True)
    for one in where:
        name, equals, value = one.partition("=")
        if not equals:
            raise CommandError(f"--where {one}: must be NAME=VALUE.")
        asked.appendlist(name, value)
    return asked


def put(file: Path, chunks: Iterable[bytes]) -> int:
    """The file appears when it is whole; its size."""
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as part:
        path = Path(part.name)
        try:
            size = sum(part.write(chunk) for chunk in chunks)
            part.flush()
            path.chmod(0o644)
            path.replace(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return size
