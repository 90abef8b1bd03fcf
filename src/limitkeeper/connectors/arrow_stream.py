"""What an Arrow IPC stream takes when it is unpacked, told by its metadata before anything is."""

import struct

import pyarrow as pa

DICTIONARY_BATCH, RECORD_BATCH = 2, 3
"""Kinds of message that have buffers."""

HEADER_TYPE, HEADER = 1, 2
"""Fields of ``Message``."""

DICTIONARY_DATA = 1
"""Field of ``DictionaryBatch``."""

BUFFERS, COMPRESSION = 2, 3
"""Fields of ``RecordBatch``."""

BUFFER_BYTES = 16
"""Of a ``Buffer``: offset and length."""

PREFIX_BYTES = 8
"""At the start of a compressed buffer: its length unpacked, -1 where it is not compressed."""


def unpacked_bytes(content: bytes) -> int:
    """Bytes of all the buffers of an Arrow IPC stream, unpacked; none is.

    What a compressed buffer says of itself is what is taken for it: where it holds something else it is refused later.

    Parameters
    ----------
    content
        Of the stream.

    Raises
    ------
    pyarrow.ArrowException
        When it is none.
    ValueError
        When its metadata points outside itself.

    Source
    ------
    Apache Arrow columnar format 1.5, "Serialization and Interprocess Communication (IPC)": Message.fbs;
    FlatBuffers internals: tables and vtables.

    Examples
    --------
    >>> import io, polars as pl
    >>> stream = io.BytesIO()
    >>> _ = pl.DataFrame({"a": [7] * 100_000}).write_ipc_stream(stream, compression="zstd")
    >>> len(stream.getvalue()) < 2_000, unpacked_bytes(stream.getvalue())
    (True, 800000)
    """
    found = 0
    try:
        for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(content)):
            found += _of_message(message)
    except struct.error as error:
        raise ValueError(f"a message's metadata is broken: {error}") from error
    return found


def _of_message(message: pa.Message) -> int:
    metadata = memoryview(message.metadata)
    (root,) = struct.unpack_from("<I", metadata)
    kind, header = _field(metadata, root, HEADER_TYPE), _field(metadata, root, HEADER)
    if not kind or not header or metadata[kind] not in (DICTIONARY_BATCH, RECORD_BATCH):
        return 0
    batch = _followed(metadata, header)
    if metadata[kind] == DICTIONARY_BATCH:
        data = _field(metadata, batch, DICTIONARY_DATA)
        if not data:
            return 0
        batch = _followed(metadata, data)
    buffers = _field(metadata, batch, BUFFERS)
    if not buffers:
        return 0
    vector = _followed(metadata, buffers)
    (count,) = struct.unpack_from("<I", metadata, vector)
    places = struct.iter_unpack("<qq", metadata[vector + 4 :][: count * BUFFER_BYTES])
    is_packed = bool(_field(metadata, batch, COMPRESSION))
    body = memoryview(message.body) if message.body is not None else memoryview(b"")
    return sum(_of_buffer(body, offset, size, is_packed=is_packed) for offset, size in places)


def _of_buffer(body: memoryview, offset: int, size: int, *, is_packed: bool) -> int:
    if not is_packed or size < PREFIX_BYTES:
        return max(size, 0)
    if not 0 <= offset <= len(body) - PREFIX_BYTES:
        raise ValueError("a buffer lies outside its message")
    (unpacked,) = struct.unpack_from("<q", body, offset)
    return size - PREFIX_BYTES if unpacked < 0 else int(unpacked)


def _field(metadata: memoryview, table: int, number: int) -> int:
    """Where a field of a table lies, 0 where the table has none."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    size = struct.unpack_from("<H", metadata, vtable)[0]
    place = 4 + 2 * number
    offset = struct.unpack_from("<H", metadata, vtable + place)[0] if place < size else 0
    return table + offset if offset else 0


def _followed(metadata: memoryview, place: int) -> int:
    """Where an offset leads."""
    return int(place + struct.unpack_from("<I", metadata, place)[0])
