"""Journal entries as bytes: a table as one compressed Arrow IPC stream."""

import hashlib
import io
import secrets
from collections.abc import Mapping
from typing import Literal

import polars as pl
import pyarrow as pa

from limitkeeper.core.kernel.errors import InputError

COMPRESSION: Literal["zstd"] = "zstd"


_FEW = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
"""Of a few events zstd makes a tenth less, at ten times the cost."""


def entry_bytes(content: pl.DataFrame | pa.RecordBatch) -> bytes:
    """A table or a batch of records as bytes.

    Examples
    --------
    >>> entry_table(entry_bytes(pl.DataFrame({"a": [1, 2]})))["a"].to_list()
    [1, 2]
    """
    if isinstance(content, pl.DataFrame):
        stream = io.BytesIO()
        content.write_ipc_stream(stream, compression=COMPRESSION)
        return stream.getvalue()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, content.schema, options=_FEW) as writer:
        writer.write_batch(content)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def entry_table(content: bytes) -> pl.DataFrame:
    """The table that bytes hold.

    Raises
    ------
    InputError
        When they hold none.
    """
    try:
        return pl.read_ipc_stream(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"A journal entry cannot be read: {error}.", value=f"{len(content)} bytes"
        ) from error


def entry_mark(kind: str, committed_us: int, content: bytes) -> str:
    """What tells an entry from any other store's of the same number: a hash of all that was committed with it.

    Examples
    --------
    >>> entry_mark("events", 7, b"content")[:8]
    '9feb340e'
    """
    return hashlib.sha256(f"{kind} {committed_us} ".encode() + content).hexdigest()


NAMING = ("account_id", "customer_id", "id", "guarantor_account_id", "contact_account_id")
"""Columns of entries that name an account or a customer."""

TELLING = ("device_id", "merchant_id", "city", "counterparty_id")
"""Columns of events that tell who was where with whom."""


def renamed_entry(content: bytes, names: Mapping[str, str]) -> bytes | None:
    """An entry in which some accounts and customers have other names; None where it names none of them.

    Of an account's events that has, the ids are others, and what tells who was where with whom is gone.

    Examples
    --------
    >>> entry = entry_bytes(pl.DataFrame({"account_id": ["a", "b"], "city": ["Jinan", "Jinan"]}))
    >>> entry_table(renamed_entry(entry, {"a": "erased-1"})).rows()
    [('erased-1', None), ('b', 'Jinan')]
    >>> renamed_entry(entry, {"c": "erased-2"}) is None
    True
    """
    table = entry_table(content)
    naming = [name for name in NAMING if table.schema.get(name) == pl.String]
    mine = [pl.col(name).is_in(list(names)) for name in naming]
    if not mine or not table.select(pl.any_horizontal(mine).any()).item():
        return None
    if "event_id" in table.columns:
        fresh = pl.Series([secrets.token_hex(16) for _ in range(table.height)])
        of_his = pl.col("account_id").is_in(list(names))
        columns = [pl.when(of_his).then(fresh).otherwise(pl.col("event_id")).alias("event_id")]
    else:
        of_his, columns = pl.any_horizontal(mine), []
    columns += [
        pl.when(of_his).then(None).otherwise(pl.col(name)).alias(name)
        for name in TELLING
        if name in table.columns
    ]
    return entry_bytes(table.with_columns(columns).with_columns(pl.col(naming).replace(dict(names))))
