"""Tables in files."""

import contextlib
import io
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limitkeeper.connectors.arrow_stream import unpacked_bytes
from limitkeeper.connectors.tables import arrow_table, parquet_table, table, table_written
from limitkeeper.core.kernel.errors import InputError

FRAME = pl.DataFrame({"account_id": [1, 2], "limit": [1.5, None]})


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_table_that_was_written_is_read_as_it_was(tmp_path: Path, ending: str) -> None:
    path = table_written(FRAME, tmp_path / "new" / f"a{ending}")
    assert table(path).equals(FRAME)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_id_that_begins_with_zeros_keeps_them_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("account_id,customer_id,limit_cents\n0012,7,0500\n12,8,600\n", encoding="utf-8")
    found = table(path)
    assert found["account_id"].to_list() == ["0012", "12"]
    assert found["customer_id"].to_list() == [7, 8]
    assert found["limit_cents"].to_list() == [500, 600]


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        table(tmp_path / "none.csv")


def test_unknown_ending_is_refused_with_those_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.parquet, \.csv"):
        table(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=r"\.parquet, \.csv"):
        table_written(FRAME, tmp_path / "a.xlsx")


def test_empty_file_says_that_it_has_no_column_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(InputError, match="not even a line"):
        table(tmp_path / "a.csv")


def test_text_with_the_ending_of_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="cannot be read as parquet"):
        table(tmp_path / "a.parquet")


def test_csv_with_rows_of_other_lengths_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n1,2,3,4\n")
    with pytest.raises(InputError, match="cannot be read as csv"):
        table(tmp_path / "a.csv")


def test_number_with_a_fraction_far_down_a_csv_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "1\n" * 20_000 + "1.5\n")
    assert table(tmp_path / "a.csv")["a"][-1] == 1.5


def packed(rows: int, letters: int) -> tuple[bytes, bytes]:
    """A text that stands in every row, as small a Parquet file and as an Arrow stream."""
    places = pa.array(np.zeros(rows, np.int32))
    frame = pa.table(
        {"event_id": pa.DictionaryArray.from_arrays(places, pa.array(["x" * letters])).cast(pa.string())}
    )
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pq.write_table(frame, parquet, compression="zstd")
    with pa.ipc.new_stream(arrow, frame.schema) as writer:
        writer.write_table(frame, max_chunksize=100)
    return parquet.getvalue(), arrow.getvalue()


def test_body_is_refused_by_its_rows_before_it_is_unpacked() -> None:
    parquet, arrow = packed(1_001, 3)
    assert parquet_table(parquet, 1_001).height == arrow_table(arrow, 1_001).height == 1_001
    for read, content in ((parquet_table, parquet), (arrow_table, arrow)):
        with pytest.raises(InputError, match="too long"):
            read(content, 1_000)


def test_value_that_is_there_once_and_stands_in_every_row_is_counted_in_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parquet, arrow = packed(10_000, 100)
    assert len(parquet) < 10_000
    monkeypatch.setattr("limitkeeper.connectors.tables.UNPACKED_BYTES_MAX", 900_000)
    for read, content in ((parquet_table, parquet), (arrow_table, arrow)):
        with pytest.raises(InputError, match="too large unpacked"):
            read(content, 10_000)


def packed_stream(frame: pa.Table, compression: str | None = "zstd") -> bytes:
    """The table as a compressed Arrow stream of one batch."""
    stream = io.BytesIO()
    with pa.ipc.new_stream(
        stream, frame.schema, options=pa.ipc.IpcWriteOptions(compression=compression)
    ) as writer:
        writer.write_table(frame)
    return stream.getvalue()


@pytest.mark.parametrize("is_dictionary", [False, True])
def test_compressed_batch_is_refused_by_what_it_says_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, *, is_dictionary: bool
) -> None:
    texts = pa.array(["x" * 10_000] * 1_000)
    if is_dictionary:
        texts = pa.DictionaryArray.from_arrays(pa.array([0], pa.int16()), texts)
    content = packed_stream(pa.table({"event_id": texts}))
    assert len(content) < 20_000
    monkeypatch.setattr("limitkeeper.connectors.tables.UNPACKED_BYTES_MAX", 1_000_000)
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(InputError, match="too large unpacked"):
        arrow_table(content, 10_000)
    assert pa.default_memory_pool().max_memory() <= max(before, 1_000_000)


@pytest.mark.parametrize("compression", ["zstd", "lz4", None])
def test_bytes_of_a_stream_are_counted_as_they_are_unpacked(compression: str | None) -> None:
    frame = pa.table(
        {"a": pa.array(np.arange(1_000)), "b": pa.array([None, "word"] * 500), "c": [[1, 2]] * 1_000}
    )
    (batch,) = frame.to_batches()
    content = packed_stream(frame, compression)
    padding = 64 * 10
    assert batch.nbytes <= unpacked_bytes(content) <= batch.nbytes + padding
    assert arrow_table(content, 1_000).height == 1_000


def test_stream_that_is_broken_anywhere_is_refused_as_one() -> None:
    content = packed_stream(pa.table({"account_id": ["a", "b"] * 200, "limit": [1, 2] * 200}))
    chance = np.random.default_rng(3)
    for place in chance.integers(0, len(content), 400):
        broken = bytearray(content)
        broken[place] ^= int(chance.integers(1, 256))
        with contextlib.suppress(InputError):
            arrow_table(bytes(broken), 1_000)
