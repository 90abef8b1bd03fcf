"""``limitkeeper journal export``: what a server took, as an event file."""

import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from limitkeeper.app.features import features_of_events
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.cli.main import application
from tests.live_engines import engine, life, sent

EVENTS = 6_000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    """A server's folder, and the features that it gave out."""
    folder = tmp_path_factory.mktemp("served")
    running = engine(f"sqlite:///{folder}/limitkeeper.db", folder / "snapshots")
    running.submit(Request("accounts", life().accounts)).result()
    events = life().events[:EVENTS]
    answers = sent(running, events, cuts=[500, 501, 3_000])
    starts, live = [0, 500, 501, 3_000], []
    for start, answer in zip(starts, answers, strict=True):
        taken = answer.rows[answer.status == 0]
        frame = pl.DataFrame(answer.features[answer.status == 0], schema=list(FEATURE_NAMES), orient="row")
        live.append(frame.insert_column(0, events["event_id"].gather(start + taken)))
    running.stop()
    return folder, pl.concat(live)


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(application, ["journal", "export", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_features_over_the_exported_journal_are_those_given_out_live(data: tuple, tmp_path: Path) -> None:
    out = tmp_path / "events.parquet"
    document = json.loads(invoke(str(out), "--data", str(data[0]), "--json"))
    assert document["events"] == EVENTS, "duplicates and late events included"
    again = features_of_events(pl.read_parquet(out), accounts=life().accounts)
    assert_frame_equal(again.features, data[1], check_exact=True)
    mark = json.loads(pq.read_schema(out).metadata[b"limitkeeper.export"])
    assert (mark["by"], mark["purpose"], len(mark["audit_hash"])) == ("local", "operation", 64)
    assert out.stat().st_mode & 0o077 == 0o044 or out.stat().st_mode & 0o777 != 0o600


def test_entries_after_one_are_the_rest(data: tuple, tmp_path: Path) -> None:
    whole, rest = tmp_path / "whole.parquet", tmp_path / "rest.parquet"
    invoke(str(whole), "--data", str(data[0]))
    cut = pl.read_parquet(whole)["sequence"].unique().sort()[1]
    invoke(str(rest), "--data", str(data[0]), "--after", str(cut))
    assert_frame_equal(pl.read_parquet(rest), pl.read_parquet(whole).filter(pl.col("sequence") > cut))


def test_journal_that_was_trimmed_says_where_it_begins(tmp_path: Path) -> None:
    running = engine(f"sqlite:///{tmp_path}/limitkeeper.db", tmp_path / "snapshots")
    sent(running, life().events[:300], cuts=[100, 200])
    running.store.trim(2, 2**62)
    running.stop()
    with pytest.raises(LimitkeeperError, match="does not hold these entries") as caught:
        invoke(str(tmp_path / "out.parquet"), "--data", str(tmp_path))
    assert "3 to" in str(caught.value)
    assert not (tmp_path / "out.parquet").exists()
    invoke(str(tmp_path / "out.parquet"), "--data", str(tmp_path), "--after", "2")


def test_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(LimitkeeperError, match="no such store"):
        invoke(str(tmp_path / "out.parquet"), "--data", str(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
