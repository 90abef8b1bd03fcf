"""Tables in files."""

from pathlib import Path

import polars as pl
import pytest

from limitkeeper.connectors.tables import table, table_written
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
