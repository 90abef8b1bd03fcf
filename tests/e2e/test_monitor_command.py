"""The command: exit codes, files, both languages, and what people decided."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from limitkeeper.connectors.models import model_folder_written
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.cli.main import application
from limitkeeper.shells.report.page import report_words
from limitkeeper.store.sql import Store
from tests.appealed_decisions import decided, staffed
from tests.monitored_model import accounts, small_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("monitor")
    model_folder_written(small_model(), found / "model")
    accounts(800, 5).write_parquet(found / "2026-01.parquet")
    accounts(800, 6, late=2.0).write_csv(found / "2026-02.csv")
    return found


def monitor(folder: Path, *arguments: str) -> Result:
    given = [str(folder / each) if (folder / each).exists() else each for each in arguments]
    result = CliRunner().invoke(application, ["monitor", str(folder / "model"), *given])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_quiet_vintage_exits_with_nothing_and_a_drifted_one_with_three(folder: Path) -> None:
    assert monitor(folder, "2026-01.parquet").exit_code == 0
    result = monitor(folder, "2026-01.parquet", "2026-02.csv", "--segment", "product")
    assert result.exit_code == 3
    assert "alert: Stability of the score (PSI)" in result.output
    assert monitor(folder, "2026-02.csv", "2026-01.parquet").exit_code == 0, "it is over"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_report_and_figures_are_written(folder: Path, tmp_path: Path, language: str) -> None:
    monitor(folder, "2026-01.parquet", "--out", str(tmp_path / "out"), "--lang", language)
    document = json.loads((tmp_path / "out" / "monitoring.json").read_text(encoding="utf-8"))
    assert document["vintages"][0]["name"] == "2026-01"
    page = (tmp_path / "out" / "monitoring.html").read_text(encoding="utf-8")
    assert report_words(language, "monitoring")["nothing_stands"] in page


def test_json_is_the_document(folder: Path) -> None:
    document = json.loads(monitor(folder, "2026-01.parquet", "--json").stdout)
    assert document["alerts"] == []
    assert document["terms"]["bounds"]["psi"] == {"watch": 0.1, "alert": 0.25}


def test_what_people_decided_is_read_from_the_store(folder: Path, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/limitkeeper.db")
    store.take({})
    staffed(store)
    decided(store)
    store.close()
    result = monitor(folder, "2026-01.parquet", "--data", str(tmp_path), "--as", "cam", "--json")
    assert result.exit_code == 0
    assert isinstance(json.loads(result.stdout)["people"], list)
    assert monitor(folder, "2026-01.parquet", "--data", str(tmp_path)).exit_code == 2


def test_decisions_must_be_as_many_as_vintages(folder: Path) -> None:
    result = monitor(folder, "2026-01.parquet", "2026-02.csv", "--decisions", "2026-01.parquet")
    assert result.exit_code == 2


def test_missing_column_says_what_is_missing(folder: Path) -> None:
    with pytest.raises(InputError, match="no column 'prodct'"):
        monitor(folder, "2026-01.parquet", "--segment", "prodct")
