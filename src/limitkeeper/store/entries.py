"""Journal entries as bytes: a table as one compressed Arrow IPC stream."""

import io
from typing import Literal

import polars as pl
import pyarrow as pa

from limitkeeper.core.kernel.errors import InputError

COMPRESSION: Literal["zstd"] = "zstd"


def entry_bytes(frame: pl.DataFrame) -> bytes:
    """A table as bytes.

    Examples
    --------
    >>> entry_table(entry_bytes(pl.DataFrame({"a": [1, 2]})))["a"].to_list()
    [1, 2]
    """
    content = io.BytesIO()
    frame.write_ipc_stream(content, compression=COMPRESSION)
    return content.getvalue()


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
