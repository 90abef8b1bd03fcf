"""Run benchmarks and keep their results: ``python -m benchmarks [NAME ...]``."""

import argparse
import datetime as dt
import importlib
import json
import os
import pkgutil
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import benchmarks

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "limitkeeper",
    "numpy",
    "numba",
    "polars",
    "duckdb",
    "optbinning",
    "bytewax",
    "river",
    "zen-engine",
    "fairlearn",
)


def installed_versions() -> dict[str, str]:
    """The versions of ours and of the peers that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """What the figures are measured on, and its load by then: much of it makes them worse than it can do."""
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [
            line.split(":")[1].strip()
            for line in information.read_text().splitlines()
            if "model name" in line
        ]
        cpu = models[0] if models else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "load": round(os.getloadavg()[0], 1),
    }


def show(result: dict[str, Any], console: Console) -> None:
    """Print one benchmark's rows as a table."""
    rows = result["rows"]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    shown = Table(title=result["name"])
    for column in columns:
        shown.add_column(column, justify="left" if column in {"what", "unit"} else "right")
    for row in rows:
        cells = [row.get(column, "") for column in columns]
        shown.add_row(*[f"{cell:,.4g}" if isinstance(cell, float) else str(cell) for cell in cells])
    console.print(shown)
    for note in result.get("notes", []):
        console.print(f"  - {note}", highlight=False)


def main() -> None:
    """Run the named benchmarks, or all, and write ``results/<name>.json``."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *known], default=[], metavar="NAME", help=", ".join(known)
    )
    names = parser.parse_args().names or known
    console = Console()
    for name in names:
        on = machine()
        result = importlib.import_module(f"benchmarks.{name}").run()
        show(result, console)
        kept = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": on,
            "versions": installed_versions(),
            **result,
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
