"""Snapshots of the state: written whole or not at all, checked when read, the last two kept, refused ones set aside.

A snapshot is a folder ``snapshot-SEQUENCE`` with one ``.npy`` file an array and ``snapshot.json``, which is
written last and holds the size and CRC-32 of each file. It holds what the journal's entries up to its sequence
led to.
"""

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from limitkeeper.core.kernel.errors import told_in_log

log = structlog.get_logger()

FORMAT = 2

KEPT = 2
"""Snapshots that are kept: where the newest is broken, the one before it and the journal give the same state."""

REFUSED_KEPT = 4
"""Snapshots set aside that are kept, for whoever wants to know why, or to put one back."""

THREADS = 2

CHECKED_BYTES = 1 << 24
"""Bytes checked at a time."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state as read: its sequence, the arrays of each shard, and what else was noted."""

    sequence: int
    shards: list[dict[str, NDArray[Any]]]
    notes: dict[str, Any]


def crc32(content: memoryview) -> int:
    """The CRC-32 of bytes, a part at a time."""
    value = 0
    for start in range(0, len(content), CHECKED_BYTES):
        value = zlib.crc32(content[start : start + CHECKED_BYTES], value)
    return value


def snapshot_written(
    folder: Path, sequence: int, shards: list[dict[str, NDArray[Any]]], notes: dict[str, Any]
) -> Path:
    """Write a snapshot, and delete those before the last two.

    Parameters
    ----------
    folder
        Where snapshots lie.
    sequence
        Of the last micro-batch that the state holds.
    shards, notes
        Arrays of each shard by name; what else recovery needs, as JSON.
    """
    path, part = folder / f"snapshot-{sequence:015d}", folder / f"unfinished-{sequence:015d}"
    for unfinished in folder.glob("unfinished-*"):  # of a crash, or of a disk that was full
        shutil.rmtree(unfinished, ignore_errors=True)
    part.mkdir(parents=True)
    arrays = [(f"{k}.{name}", array) for k, shard in enumerate(shards) for name, array in shard.items()]
    with ThreadPoolExecutor(THREADS) as pool:
        written = list(pool.map(lambda item: _array_written(part, *item), arrays))
    document = {
        "format": FORMAT,
        "sequence": sequence,
        "shards": len(shards),
        "notes": notes,
        "arrays": written,
    }
    _synced(part / "snapshot.json", lambda file: file.write(json.dumps(document).encode()))
    shutil.rmtree(path, ignore_errors=True)
    part.rename(path)
    _sync_folder(folder)
    for old in snapshot_paths(folder)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def _array_written(part: Path, name: str, array: NDArray[Any]) -> dict[str, Any]:
    whole = np.ascontiguousarray(array)
    _synced(part / f"{name}.npy", lambda file: np.save(file, whole, allow_pickle=False))
    return {"name": name, "bytes": whole.nbytes, "crc32": crc32(whole.reshape(-1).view(np.uint8).data)}


def _synced(path: Path, write: Callable[[Any], object]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def snapshot_paths(folder: Path) -> list[Path]:
    """The snapshots of a folder, newest first."""
    return sorted(folder.glob("snapshot-*"), reverse=True)


def set_aside(refused: Iterable[Path]) -> None:
    """Let snapshots that were refused count no more, and delete those set aside before the last few.

    Left where they are, they would stand for one of those that are kept, and a good one would be deleted.
    """
    for path in refused:
        aside = path.with_name(path.name.replace("snapshot-", "refused-", 1))
        shutil.rmtree(aside, ignore_errors=True)
        try:
            path.rename(aside)
            os.utime(aside)  # the order in which they were set aside
        except OSError as error:
            log.warning("snapshot_not_set_aside", snapshot=path.name, problem=told_in_log(error))
            continue
        before = sorted(path.parent.glob("refused-*"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for old in before[REFUSED_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def only_snapshot_kept(path: Path) -> None:
    """Delete every snapshot but one, those that were set aside, too: they name who was erased since."""
    for pattern in ("snapshot-*", "refused-*", "unfinished-*"):
        for each in path.parent.glob(pattern):
            if each != path:
                shutil.rmtree(each, ignore_errors=True)


def snapshots_read(folder: Path) -> Iterable[tuple[Path, Snapshot | None]]:
    """Each snapshot, newest first; None where it is broken or of another format."""
    for path in snapshot_paths(folder):
        try:
            found = _snapshot_read(path)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - what is broken is told by whichever library stumbles over it
            log.warning("snapshot_broken", snapshot=path.name, problem=told_in_log(error)[:500])
            found = None
        yield path, found


def _snapshot_read(path: Path) -> Snapshot | None:
    document = json.loads((path / "snapshot.json").read_text())
    if document["format"] != FORMAT:
        return None
    shards: list[dict[str, NDArray[Any]]] = [{} for _ in range(document["shards"])]

    def read(entry: dict[str, Any]) -> bool:
        with (path / f"{entry['name']}.npy").open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
        shard, name = entry["name"].split(".", 1)
        shards[int(shard)][name] = array
        return crc32(array.reshape(-1).view(np.uint8).data) == int(entry["crc32"])

    with ThreadPoolExecutor(THREADS) as pool:
        whole = all(list(pool.map(read, document["arrays"])))
    return Snapshot(document["sequence"], shards, document["notes"]) if whole else None
