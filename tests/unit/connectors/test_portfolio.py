"""The mapping of a lender's own portfolio."""

from pathlib import Path

import pytest
import yaml

from limitkeeper.connectors.portfolio import instant, mapped_table, portfolio_mapping, time_zone
from limitkeeper.core.kernel.errors import InputError

ROOT = Path(__file__).parents[3]
MAPPING = {
    "name": "p", "market": "CN", "currency": "CNY", "as_of": "2026-01-01T00:00:00Z", "accounts": {"file": "a.csv"},
}  # fmt: skip


def mapping(folder: Path, **changes: object) -> Path:
    path = folder / "portfolio.yaml"
    path.write_text(yaml.safe_dump({**MAPPING, **changes}), encoding="utf-8")
    return path


def test_shipped_example_holds() -> None:
    assert portfolio_mapping(ROOT / "examples/portfolio.yaml")["accounts"]["multiply"] == {"limit_cents": 100}


def test_unknown_key_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"at accounts: .*'colums' was unexpected"):
        portfolio_mapping(mapping(tmp_path, accounts={"file": "a.csv", "colums": {}}))


def test_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "portfolio.yaml"
    path.write_text("name: p\n")
    with pytest.raises(InputError, match="required property"):
        portfolio_mapping(path)


def test_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "portfolio.yaml").write_text("a: [1")
    with pytest.raises(InputError, match="cannot be read"):
        portfolio_mapping(tmp_path / "portfolio.yaml")


def test_unquoted_instant_stays_text_so_that_its_offset_is_not_lost(tmp_path: Path) -> None:
    path = mapping(tmp_path)
    path.write_text(path.read_text().replace("'2026-01-01T00:00:00Z'", "2026-01-01T08:00:00+08:00"))
    assert instant(portfolio_mapping(path)["as_of"]) == instant("2026-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00:00", "yesterday", "2026-13-01T00:00:00Z"])
def test_instant_without_an_offset_or_a_sense_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        instant(text)


def test_time_zone_that_is_none_is_refused() -> None:
    assert time_zone("Asia/Taipei") == "Asia/Taipei"
    with pytest.raises(InputError, match="no such time zone"):
        time_zone("Asia/Atlantis")


def test_columns_come_under_our_names_and_in_minor_units(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("no,limit\n7,12.34\n8,much\n9,\n")
    source = {
        "file": "a.csv",
        "columns": {"account_id": "no", "limit_cents": "limit"},
        "multiply": {"limit_cents": 100},
    }
    frame = mapped_table(source, tmp_path)
    assert frame.columns == ["account_id", "limit_cents"]
    assert frame["limit_cents"].to_list() == ["1234.0", "much", None]


def test_mapped_column_that_is_not_there_gets_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("line_no\n7\n")
    with pytest.raises(InputError, match="Did you mean 'line_no'"):
        mapped_table({"file": "a.csv", "columns": {"account_id": "lineno"}}, tmp_path)
