"""``limitkeeper strategy`` as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from limitkeeper.shells.cli.main import application

GOOD = Path(__file__).parents[1] / "cases/strategy.yaml"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        GOOD.read_text(encoding="utf-8").replace("pd >= pd_high", "pdd >= pd_high"), encoding="utf-8"
    )
    return path


def test_check_of_a_good_file_says_so() -> None:
    found = CliRunner().invoke(application, ["strategy", "check", str(GOOD)])
    assert found.exit_code == 0
    assert "mine 1 holds: 2 rules over" in found.stdout


def test_check_of_a_broken_file_ends_with_1_and_names_line_and_hint(broken: Path) -> None:
    command = [sys.executable, "-m", "limitkeeper.shells.cli.main", "strategy", "check", str(broken)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert f"{broken}:15:11: There is no quantity or parameter 'pdd'" in found.stdout
    assert "Did you mean 'pd'?" in found.stdout
    assert "Traceback" not in found.stderr


def test_check_as_json_is_for_machines(broken: Path) -> None:
    found = CliRunner().invoke(application, ["strategy", "check", str(broken), "--json"])
    document = json.loads(found.stdout)
    assert (found.exit_code, document["valid"]) == (1, False)
    assert {"line", "column", "problem", "advice"} <= set(document["problems"][0])
    found = CliRunner().invoke(application, ["strategy", "check", str(GOOD), "--json"])
    assert json.loads(found.stdout)["hash"].startswith("sha256:")


def test_list_names_the_shipped_strategies() -> None:
    found = CliRunner().invoke(application, ["strategy", "list", "--json"])
    assert [row["name"] for row in json.loads(found.stdout)] == ["cautious", "standard"]
    assert "standard 2026-11" in CliRunner().invoke(application, ["strategy", "list"]).stdout


@pytest.mark.parametrize("language", ["en", "zh"])
def test_show_tells_the_rules(language: str) -> None:
    found = CliRunner(env={"COLUMNS": "200"}).invoke(
        application, ["strategy", "show", "standard", "--lang", language]
    )
    assert found.exit_code == 0
    assert "long_arrears" in found.stdout
    assert ("当前逾期" if language == "zh" else "Late now") in found.stdout


def test_show_gives_source_that_is_python() -> None:
    found = CliRunner().invoke(application, ["strategy", "show", "standard", "--source"])
    compile(found.stdout, "<shown>", "exec")
    assert "def write_hits(" in found.stdout


def test_show_as_json_is_the_document() -> None:
    found = CliRunner().invoke(application, ["strategy", "show", "cautious", "--json"])
    assert json.loads(found.stdout)["name"] == "cautious"


def test_names_tells_every_name_with_its_unit() -> None:
    names = {
        row["name"]: row
        for row in json.loads(CliRunner().invoke(application, ["strategy", "names", "--json"]).stdout)
    }
    assert names["utilisation"]["missing"] != "never"
    assert {"pd", "is_frozen", "hurdle_rate"} <= set(names)
    assert "utilisation" in CliRunner().invoke(application, ["strategy", "names"]).stdout


def test_unknown_language_is_a_usage_error() -> None:
    assert CliRunner().invoke(application, ["strategy", "show", "standard", "--lang", "fr"]).exit_code == 2


def test_diff_tells_the_rules_whose_thresholds_moved_and_nothing_of_one_content() -> None:
    found = CliRunner().invoke(application, ["strategy", "diff", "standard", "cautious"])
    lines = found.stdout.splitlines()
    at = lines.index("changed rule long_arrears")
    assert lines[at + 1] == "    pd_close: 0.7 -> 0.6"
    same = CliRunner().invoke(application, ["strategy", "diff", "standard", "standard"])
    assert same.stdout == "Both are of one content.\n"
    as_json = CliRunner().invoke(application, ["strategy", "diff", "standard", "cautious", "--json"])
    assert {"name": "pd_close", "before": 0.7, "after": 0.6} in json.loads(as_json.stdout)["parameters"]
