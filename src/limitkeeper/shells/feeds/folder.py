"""Event files that somebody puts into a folder: taken, then moved to ``done/`` or ``rejected/`` with a summary."""

import time
from pathlib import Path
from typing import Any

from limitkeeper.connectors.events import REJECT_REASONS
from limitkeeper.connectors.watched_folder import WatchedFolder, parts, printable_name
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.api.answers import error_document
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.shells.feeds.submission import answered

LOOK_SECONDS = 1.0

REJECTS_LISTED = 1_000
"""Refused rows that a summary lists; all of them are in the store's table."""


class FolderFeed:
    """Looks into a folder again and again.

    A file that was half taken when the server died is taken again: what was applied is then a duplicate, and changes
    nothing.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        if not path.is_dir():
            raise InputError("There is no such folder to watch.", value=path, advice="Make it first.")
        self.engine, self.folder = engine, WatchedFolder(path)
        self.loop = Loop(f"folder {path.name}", self.round, LOOK_SECONDS)

    def round(self) -> bool:
        """Take the files that are whole, one after another."""
        for path in self.folder.ready(time.time()):
            if self.loop.stopping.is_set() or self.engine.stopping:
                return False
            self.take(path)
        return False

    def take(self, path: Path) -> Path:
        """Take one file; where it lies now."""
        summary: dict[str, Any] = dict.fromkeys(("read", "accepted", "rejected", "duplicate"), 0)
        listed: list[dict[str, Any]] = []
        folder = "done"
        try:
            for read in parts(path, self.engine.latest_time()):
                count = read.accepted.height + read.rejected.height
                request = Request("events", read, count, f"file {printable_name(path)}")
                found = answered(self.engine, request, self.loop.stopping)
                for name in ("accepted", "rejected", "duplicate"):
                    summary[name] += getattr(found, name)
                summary["read"] += count
                listed += found.refused[: REJECTS_LISTED - len(listed)]
        except InputError as error:  # of the file; the engine's own errors leave it where it is
            folder, summary["problem"] = "rejected", error_document(error)
        summary["rejects"] = [
            {name: row[name] for name in ("row", "event_id", "account_id", "reason")}
            | dict(zip(("english", "chinese"), REJECT_REASONS[row["reason"]], strict=True))
            for row in listed
        ]
        if summary["read"] and summary["rejected"] == summary["read"]:
            folder = "rejected"
        return self.folder.moved(path, folder, summary)
