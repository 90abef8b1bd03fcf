import datetime as dt
import io
import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limitkeeper.connectors import watched_folder
from limitkeeper.connectors.messages import read_each
from limitkeeper.connectors.watched_folder import (
    ENDINGS,
    SETTLED_SECONDS,
    WatchedFolder,
    parts,
    printable_name,
)
from limitkeeper.core.kernel.errors import InputError

AS_OF = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
ROWS = [
    {"event_id": f"e-{k}", "account_id": f"a-{k % 3}", "ts": "2026-06-01T08:00:00Z", "kind": "purchase",
     "amount": 100 * k, "merchant_id": "m"}
    for k in range(7)
]  # fmt: skip


def write(path: Path, rows: list[dict] = ROWS) -> Path:
    frame = pl.DataFrame(rows)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    found = list(parts(path, AS_OF))
    return pl.concat([each.accepted for each in found]), pl.concat(
        [each.rejected.select("row", "reason") for each in found]
    )


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_file_read_in_parts_is_the_file_read_whole(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / f"events.{ending}")
    whole, _ = read(path)
    monkeypatch.setattr(watched_folder, "PART_ROWS", 2)
    in_parts, refused = read(path)
    assert in_parts.equals(whole)
    assert in_parts["row"].to_list() == list(range(7))
    assert in_parts["amount"].to_list() == [100 * k for k in range(7)]
    assert refused.height == 0


def test_the_three_kinds_of_file_hold_the_same_events(tmp_path: Path) -> None:
    found = [read(write(tmp_path / f"events.{ending}"))[0] for ending in ("parquet", "csv", "jsonl")]
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])


def test_ragged_line_is_refused_and_the_others_taken(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        "event_id,account_id,ts,kind,amount\ne1,a,2026-06-01,purchase,5\ne2,a\ne3,a,2026-06-01,login,\n"
    )
    accepted, refused = read(path)
    assert accepted["event_id"].to_list() == ["e1", "e3"]
    assert refused.rows() == [(1, "unreadable")]


def test_line_that_is_no_json_is_refused_and_the_others_taken(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(json.dumps(ROWS[1]).encode() + b"\n{broken\n\xff\xfe\n" + json.dumps(ROWS[2]).encode())
    accepted, refused = read(path)
    assert accepted["event_id"].to_list() == ["e-1", "e-2"]
    assert refused.rows() == [(1, "unreadable"), (2, "unreadable")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.parquet", b"PAR1 and no more"),
        ("empty.csv", b""),
        ("twice.csv", b"event_id,event_id\n1,2\n"),
        ("bytes.csv", b"event_id,account_id,ts,kind\n\xff\xfe,a,b,c\n"),
        ("other.csv", b"a,b\n1,2\n"),
        ("long.jsonl", b"x" * (watched_folder.LINE_BYTES_MAX + 1)),
    ],
)
def test_file_that_is_not_what_its_ending_says_is_refused_whole(
    name: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError):
        list(parts(path, AS_OF))


@pytest.mark.parametrize("ending", ENDINGS)
def test_file_whose_name_is_no_utf_8_is_read_and_its_name_can_be_written(tmp_path: Path, ending: str) -> None:
    named = tmp_path / os.fsdecode(b"caf\xe9" + ending.encode())
    write(tmp_path / f"events{ending}").rename(named)
    assert read(named)[0].height == 7
    assert printable_name(named) == f"caf\N{REPLACEMENT CHARACTER}{ending}"


def test_refusal_of_a_file_whose_name_is_no_utf_8_can_be_written(tmp_path: Path) -> None:
    named = tmp_path / os.fsdecode(b"caf\xe9.csv")
    named.write_bytes(b"")
    with pytest.raises(InputError) as refused:
        list(parts(named, AS_OF))
    assert str(refused.value).encode("utf-8")


def test_file_that_may_be_half_written_waits(tmp_path: Path) -> None:
    folder, path = WatchedFolder(tmp_path), write(tmp_path / "events.csv")
    changed = path.stat().st_mtime
    assert folder.ready(changed + SETTLED_SECONDS / 2) == []
    assert folder.ready(changed + SETTLED_SECONDS) == [path]


def test_hidden_files_links_and_other_kinds_are_left_alone(tmp_path: Path) -> None:
    for name in (".hidden.csv", "_partial.csv", "notes.txt", "right.csv"):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "link.csv").symlink_to(tmp_path / "right.csv")
    (tmp_path / "folder.csv").mkdir()
    assert [path.name for path in WatchedFolder(tmp_path).ready(1e9)] == ["right.csv"]


def test_moved_file_overwrites_none_of_the_same_name(tmp_path: Path) -> None:
    folder = WatchedFolder(tmp_path)
    places = [folder.moved(write(tmp_path / "events.csv"), "done", {"read": k}) for k in range(3)]
    assert [place.name for place in places] == ["events.csv", "events.1.csv", "events.2.csv"]
    assert json.loads((tmp_path / "done" / "events.1.csv.summary.json").read_text()) == {"read": 1}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), ending=st.sampled_from(["parquet", "csv", "jsonl"]))
def test_any_bytes_are_read_or_refused_and_every_row_counted(
    content: bytes, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"any.{ending}"
    path.write_bytes(content)
    try:
        found = list(parts(path, AS_OF))
    except InputError:
        return
    rows = sorted(row for each in found for row in [*each.accepted["row"], *each.rejected["row"]])
    assert rows == list(range(len(rows)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from(["parquet", "csv"]))
def test_file_with_changed_bytes_is_read_or_refused(data: st.DataObject, ending: str, tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / f"events.{ending}").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / f"changed.{ending}"
    path.write_bytes(bytes(content))
    try:
        found = list(parts(path, AS_OF))
    except InputError:
        return
    rows = sorted(row for each in found for row in [*each.accepted["row"], *each.rejected["row"]])
    assert rows == list(range(len(rows)))


whole = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ROWS[0], "x"]), inner, max_size=4)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | whole.map(lambda each: json.dumps(each).encode()), max_size=6))
def test_any_messages_are_each_taken_or_refused(bodies: list[bytes]) -> None:
    found = read_each(bodies, AS_OF)
    assert sorted([*found.accepted["row"], *found.rejected["row"]]) == list(range(len(bodies)))


def test_deeply_nested_message_is_refused() -> None:
    assert read_each([b"[" * 100_000]).rejected["reason"].to_list() == ["unreadable"]
    assert read_each([io.BytesIO(b'{"x":' * 50_000).getvalue()]).rejected["reason"].to_list() == [
        "unreadable"
    ]
