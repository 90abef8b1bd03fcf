"""A folder of event files: what lies there whole, read in parts, and moved when it is done with."""

import csv
import datetime as dt
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from limitkeeper.connectors.events import ReadEvents, read_events
from limitkeeper.connectors.messages import read_each, with_unread
from limitkeeper.core.kernel.errors import InputError

ENDINGS = (".parquet", ".csv", ".jsonl")
PART_ROWS = 65_536
"""Rows that are read at once, so that a file of any size is read in bounded memory."""

LINE_BYTES_MAX = 1_048_576
"""Bytes of a line at most."""

SETTLED_SECONDS = 2.0
"""A file that was written to more recently may not be whole yet."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder, and where its files go: ``done/`` and ``rejected/`` in it."""

    path: Path

    def ready(self, now_seconds: float) -> list[Path]:
        """The files that are whole, by name; hidden ones, and those of other kinds, are left alone."""
        found = []
        for entry in os.scandir(self.path):
            known = entry.name.lower().endswith(ENDINGS) and not entry.name.startswith((".", "_"))
            if known and entry.is_file(follow_symlinks=False):
                changed_seconds = entry.stat(follow_symlinks=False).st_mtime
                if now_seconds - changed_seconds >= SETTLED_SECONDS:
                    found.append(Path(entry.path))
        return sorted(found)

    def moved(self, path: Path, folder: str, summary: dict[str, Any]) -> Path:
        """Where a file lies now, with its summary beside it as ``NAME.summary.json``; nothing is overwritten."""
        target = self.path / folder
        target.mkdir(exist_ok=True)
        names = itertools.chain([path.name], (f"{path.stem}.{k}{path.suffix}" for k in itertools.count(1)))
        place = next(target / name for name in names if not (target / name).exists())
        text = json.dumps(summary, ensure_ascii=False, indent=1) + "\n"
        place.with_name(f"{place.name}.summary.json").write_text(text, encoding="utf-8")
        path.rename(place)
        return place


def printable_name(path: Path) -> str:
    r"""The name of a file as text that can be written anywhere; names on disk are bytes, and may be no UTF-8.

    Examples
    --------
    >>> printable_name(Path("in") / os.fsdecode(b"caf\xe9.csv"))
    'caf�.csv'
    """
    return os.fsencode(path.name).decode("utf-8", "replace")


def parts(path: Path, as_of: dt.datetime) -> Iterator[ReadEvents]:
    """The events of a file in parts, in order; rows are numbered from 0 in the whole file.

    Parameters
    ----------
    path
        Of one of the :data:`ENDINGS`.
    as_of
        Later events are refused.

    Raises
    ------
    InputError
        When the file, not one of its rows, is not what its ending says.
    """
    kinds = {".parquet": _parquet_parts, ".csv": _csv_parts, ".jsonl": _line_parts}
    first = 0
    try:
        for rows, read in kinds[path.suffix.lower()](path, as_of):
            yield ReadEvents(
                *(table.with_columns(pl.col("row") + first) for table in (read.accepted, read.rejected))
            )
            first += rows
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, UnicodeDecodeError, csv.Error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"The file cannot be read as {path.suffix[1:]}: {reason}", value=printable_name(path)
        ) from error


Read = Iterator[tuple[int, ReadEvents]]
"""How many rows, and what they are."""


def _parquet_parts(path: Path, as_of: dt.datetime) -> Read:
    with (
        path.open("rb") as opened,
        pq.ParquetFile(opened) as file,
    ):  # by its name it opens none that is no UTF-8
        for batch in file.iter_batches(PART_ROWS):
            batch.validate(full=True)
            found = pl.from_arrow(batch)
            assert isinstance(found, pl.DataFrame)
            yield found.height, read_events(found, as_of)


def _csv_parts(path: Path, as_of: dt.datetime) -> Read:
    """Every column as text: what a value is is said by the event's definition, not guessed from a part."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, strict=True)
        names = next(lines, None)
        if not names:
            raise InputError(
                "The file is empty: it has not even a line of column names.", value=printable_name(path)
            )
        if len(set(names)) < len(names):
            raise InputError("A column stands twice.", value=", ".join(names))
        while rows := list(itertools.islice(lines, PART_ROWS)):
            places = [row for row, values in enumerate(rows) if len(values) == len(names)]
            unread = [row for row, values in enumerate(rows) if len(values) != len(names)]
            columns = zip(*(rows[row] for row in places), strict=True) if places else ([] for _ in names)
            table = pl.DataFrame(
                {
                    name: [value or None for value in column]
                    for name, column in zip(names, columns, strict=True)
                },
                schema=dict.fromkeys(names, pl.String),
            )
            yield len(rows), with_unread(read_events(table, as_of), places, unread)


def _line_parts(path: Path, as_of: dt.datetime) -> Read:
    with path.open("rb") as file:
        while lines := list(itertools.islice(_lines(file), PART_ROWS)):
            yield len(lines), read_each(lines, as_of)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LINE_BYTES_MAX):
        if len(line) == LINE_BYTES_MAX:
            raise InputError("A line is too long.", allowed=f"{LINE_BYTES_MAX} bytes")
        yield line
