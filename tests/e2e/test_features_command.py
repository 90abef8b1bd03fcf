"""``limitkeeper features`` as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.shells.cli.main import application

EVENTS = """event_id,account_id,ts,kind,amount
1,7,2026-01-01T10:00:00+08:00,purchase,1000
2,7,2026-01-02T10:00:00+08:00,purchase,-5
1,7,2026-01-02T11:00:00+08:00,purchase,1000
3,7,2026-01-03T10:00:00+08:00,purchase,500
4,7,2999-01-01T00:00:00Z,login,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    return tmp_path


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: its exit code is what the shell sees."""
    words = [sys.executable, "-m", "limitkeeper.shells.cli.main", "features", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_features_and_refused_rows_lie_beside_each_other_and_reconcile(folder: Path, ending: str) -> None:
    out = folder / "new" / f"features.{ending}"
    found = CliRunner().invoke(
        application, ["features", str(folder / "events.csv"), "--out", str(out), "--json"]
    )
    assert found.exit_code == 0, found.output
    counts = json.loads(found.stdout)
    assert (counts["read"], counts["accepted"], counts["rejected"], counts["duplicate"]) == (5, 2, 2, 1)
    assert counts["reasons"] == {"amount_negative": 1, "duplicate": 1, "in_future": 1}
    read = pl.read_csv if ending == "csv" else pl.read_parquet
    features, refused = read(out), read(out.with_name(f"features.rejects.{ending}"))
    assert features.columns == ["event_id", *FEATURE_NAMES]
    assert features["spend_sum_7d_cents"].to_list() == [1000.0, 1500.0]
    assert refused.select("row", "reason").rows() == [
        (1, "amount_negative"),
        (2, "duplicate"),
        (4, "in_future"),
    ]


def test_two_runs_write_the_same_bytes(folder: Path) -> None:
    contents = []
    for name in ("one.parquet", "two.parquet"):
        CliRunner().invoke(application, ["features", str(folder / "events.csv"), "--out", str(folder / name)])
        contents.append((folder / name).read_bytes())
    assert contents[0] == contents[1]


def test_state_goes_on_in_the_next_run(folder: Path) -> None:
    state, more = folder / "state", folder / "more.csv"
    command(folder / "events.csv", "--out", folder / "a.csv", "--state", state)
    more.write_text(
        "event_id,account_id,ts,kind,amount\n3,7,2026-01-03T02:00:00Z,purchase,500\n5,7,2026-01-04,purchase,1\n",
        encoding="utf-8",
    )
    found = command(more, "--out", folder / "b.csv", "--state", state)
    assert found.returncode == 0, found.stderr
    assert "read 2 · accepted 1 · rejected 0 · duplicate 1" in found.stdout
    assert pl.read_csv(folder / "b.csv")["spend_sum_7d_cents"].to_list() == [1501.0]


def test_event_file_without_rows_gives_an_output_without_rows_and_says_so(folder: Path) -> None:
    (folder / "none.csv").write_text(EVENTS.splitlines()[0] + "\n", encoding="utf-8")
    found = command(folder / "none.csv", "--out", folder / "out.csv")
    assert found.returncode == 0, found.stderr
    assert "read 0 · accepted 0 · rejected 0 · duplicate 0" in found.stdout
    assert "holds no rows" in found.stdout
    assert pl.read_csv(folder / "out.csv").height == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.csv", "--out", "out.csv"], "There is no such file"),
        (["events.csv", "--out", "out.xlsx"], "not known by its ending"),
        (["events.csv", "--out", "out.csv", "--time-zone", "Mars/Olympus"], "no such time zone"),
        (["events.csv", "--out", "out.csv", "--as-of", "2026-01-01"], "The instant cannot be read"),
        (["events.csv", "--out", "out.csv", "--state", "events.csv"], "The state file is broken"),
        (["broken.parquet", "--out", "out.csv"], "cannot be read as parquet"),
        (["other.csv", "--out", "out.csv"], "Did you mean 'event_ids'?"),
    ],
)
def test_what_cannot_be_read_ends_with_1_a_sentence_and_no_output(
    folder: Path, arguments: list[str], problem: str
) -> None:
    (folder / "broken.parquet").write_bytes(b"PAR1 no table PAR1")
    (folder / "other.csv").write_text(EVENTS.replace("event_id", "event_ids", 1), encoding="utf-8")
    words = [str(folder / word) if "." in word else word for word in arguments]
    found = command(*words)
    assert found.returncode == 1
    assert problem in " ".join((found.stdout + found.stderr).split())
    assert "Traceback" not in found.stderr
    assert not (folder / "out.csv").exists()


def test_wrong_option_ends_with_2(folder: Path) -> None:
    assert command(folder / "events.csv", "--no-such-option").returncode == 2
