"""Journal entries as bytes: a table as one compressed Arrow IPC stream."""

import io
from typing import Literal

import polars as pl
import pyarrow as pa

from limitkeeper.core.kernel.errors import InputError

COMPRESSION: Literal["zstd"] = "zstd"


_COMPRESSED = pa.ipc.IpcWriteOptions(compression=COMPRESSION)


def entry_bytes(content: pl.DataFrame | pa.RecordBatch) -> bytes:
    """A table or a batch of records as bytes.

    Examples
    --------
    >>> entry_table(entry_bytes(pl.DataFrame({"a": [1, 2]})))["a"].to_list()
    [1, 2]
    """
    stream = io.BytesIO()
    if isinstance(content, pl.DataFrame):
        content.write_ipc_stream(stream, compression=COMPRESSION)
    else:
        with pa.ipc.new_stream(stream, content.schema, options=_COMPRESSED) as writer:
            writer.write_batch(content)
    return stream.getvalue()


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
