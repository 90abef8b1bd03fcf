"""Tables in files: Parquet and CSV, read with clear errors, written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from limitkeeper.connectors.arrow_stream import unpacked_bytes
from limitkeeper.core.kernel.errors import InputError

ENDINGS = (".parquet", ".csv")


UNPACKED_BYTES_MAX = 512 * 1024 * 1024
"""Of an Arrow stream or a Parquet file that came by HTTP."""

BATCH_ROWS = 4_096
"""Rows of a Parquet file that are unpacked at once."""


def table(path: Path) -> pl.DataFrame:
    """The table that a file holds.

    Raises
    ------
    InputError
        When the file is missing, of another kind, or not what its ending says.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            "The kind of file is not known by its ending.", value=path, allowed=", ".join(ENDINGS)
        )
    if not path.is_file():
        raise InputError("There is no such file.", value=path, advice="Check the path.")
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        return _with_ids_as_written(path, pl.read_csv(path, infer_schema_length=None, try_parse_dates=False))
    except pl.exceptions.NoDataError as error:
        raise InputError("The file is empty: it has not even a line of column names.", value=path) from error
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"The file cannot be read as {path.suffix[1:]}: {reason}", value=path) from error


def _with_ids_as_written(path: Path, found: pl.DataFrame) -> pl.DataFrame:
    """A CSV's table whose ids are texts where one begins with a zero: 0012 is not 12, which is somebody else's."""
    numbers = [
        name for name, kind in found.schema.items() if kind.is_integer() and name.lower().endswith("id")
    ]
    if not numbers:
        return found
    texts = pl.read_csv(path, columns=numbers, schema_overrides=dict.fromkeys(numbers, pl.String()))
    padded = [name for name in numbers if texts[name].str.contains(r"^\s*[+-]?0\d").any()]
    return found.with_columns(texts.select(padded)) if padded else found


def arrow_table(content: bytes, rows_max: int) -> pl.DataFrame:
    """The table that an Arrow IPC stream holds.

    Raises
    ------
    InputError
        When the bytes are no such stream, do not hold what they say, or hold more than is let in.
    """
    try:
        # A batch is unpacked whole, before it can be counted.
        _check_unpacked(unpacked_bytes(content))
        reader = pa.ipc.open_stream(content)
        return _bounded_table(reader, reader.schema, rows_max)
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise InputError(f"The body is no Arrow stream: {str(error).splitlines()[0]}") from error


def parquet_table(content: bytes, rows_max: int) -> pl.DataFrame:
    """The table that a Parquet file's bytes hold.

    Raises
    ------
    InputError
        When the bytes are no such file, or hold more than is let in.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        _check_rows(file.metadata.num_rows, rows_max)
        return _bounded_table(file.iter_batches(BATCH_ROWS), file.schema_arrow, rows_max)
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise InputError(f"The body is no Parquet file: {str(error).splitlines()[0]}") from error


def _bounded_table(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows_max: int) -> pl.DataFrame:
    """A table of batches that are counted as they are unpacked: a value that is there once may stand in every row."""
    kept, rows, unpacked = list[pa.RecordBatch](), 0, 0
    for batch in batches:
        rows, unpacked = rows + batch.num_rows, unpacked + batch.nbytes
        _check_rows(rows, rows_max)
        _check_unpacked(unpacked)
        kept.append(batch)
    whole = pa.Table.from_batches(kept, schema)
    whole.validate(full=True)
    found = pl.from_arrow(whole)
    assert isinstance(found, pl.DataFrame)
    return found


def _check_unpacked(unpacked: int) -> None:
    if unpacked > UNPACKED_BYTES_MAX:
        raise InputError("The file is too large unpacked.", value=unpacked, allowed=UNPACKED_BYTES_MAX)


def _check_rows(rows: int, rows_max: int) -> None:
    if rows > rows_max:
        raise InputError("The table is too long.", value=rows, allowed=rows_max, advice="Send it in parts.")


def csv_table(content: bytes, texts: Collection[str] = ()) -> pl.DataFrame:
    r"""The table that a CSV file's bytes hold.

    Parameters
    ----------
    content
        Of the file.
    texts
        Columns that are texts whatever they look like: an id 0012 is not 12.

    Raises
    ------
    InputError
        When the bytes are no such file.

    Examples
    --------
    >>> csv_table(b"account_id,limit\n0012,5\n", ["account_id"]).row(0)
    ('0012', 5)
    """
    kinds = dict.fromkeys(texts, pl.String())
    try:
        return pl.read_csv(content, infer_schema_length=None, try_parse_dates=False, schema_overrides=kinds)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"The body is no CSV: {str(error).splitlines()[0]}") from error


def tables_written(
    frames: Iterable[pl.DataFrame], path: Path, metadata: Mapping[str, str] | None = None
) -> int:
    """Tables of the same columns, one after another, in a Parquet file that appears whole or not at all; how many rows.

    Parameters
    ----------
    frames
        Of the same columns.
    path
        Of the file.
    metadata
        What the file says of itself beside its columns.

    Raises
    ------
    InputError
        When the ending is of another kind, or the folder cannot be written to.
    """
    if path.suffix.lower() != ".parquet":
        raise InputError("The kind of file is not known by its ending.", value=path, allowed=".parquet")
    rows, writer = 0, None
    with _new_file(path) as name:
        try:
            for frame in frames:
                part = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
                if metadata is not None:
                    part = part.replace_schema_metadata({**(part.schema.metadata or {}), **metadata})
                writer = writer or pq.ParquetWriter(name, part.schema, compression="zstd")
                writer.write_table(part)
                rows += frame.height
            if writer is None:
                raise InputError("There is nothing to write.", value=path)
        finally:
            if writer is not None:
                writer.close()
    return rows


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[str]:
    """A file that takes its place when the block has ended well, and is gone otherwise.

    Raises
    ------
    InputError
        When the folder cannot be written to.
    """
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        os.fchmod(handle, 0o666 & ~_umask())
        os.close(handle)
        yield name
        Path(name).replace(path)
        name = None
    except OSError as error:
        raise InputError(f"The file cannot be written: {error}.", value=path) from error
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def _umask() -> int:
    """What the process takes away from the rights of new files."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def table_written(frame: pl.DataFrame, path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """A table in a file, Parquet or CSV by its ending; it appears whole or not at all.

    Parameters
    ----------
    frame, path
        What, and where to.
    metadata
        What a Parquet file says of itself beside its columns.

    Raises
    ------
    InputError
        When the ending is of another kind or the folder cannot be written to.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            "The kind of file is not known by its ending.", value=path, allowed=", ".join(ENDINGS)
        )
    with _new_file(path) as name:
        if path.suffix.lower() == ".parquet":
            frame.write_parquet(name, statistics=True, metadata=None if metadata is None else dict(metadata))
        else:
            frame.write_csv(name)
    return path
