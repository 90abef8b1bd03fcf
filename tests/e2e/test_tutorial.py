"""The tutorial runs as it stands: its blocks in their order, in one shell, on a port of its own."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"

SECONDS = 240


def blocks() -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_tutorial_ends_with_the_limit_whole_and_an_audit_that_holds(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = "\n".join(blocks()).replace("127.0.0.1:8750", f"127.0.0.1:{port}")
    script = script.replace("limitkeeper serve", f"limitkeeper serve --port {port}")
    # A server that outlives a block that fails would outlive the test.
    whole = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{script}"
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "limitkeeper").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m limitkeeper.shells.cli.main "$@"\n'
    )
    (commands / "limitkeeper").chmod(0o755)
    environment = os.environ | {"PATH": f"{commands}:{os.environ['PATH']}", "COLUMNS": "160"}
    environment.pop("LIMITKEEPER_VAULT", None)  # its master key is its own, and so is its vault
    whole = whole.replace('export PATH="$PWD/.venv/bin:$PATH"\n', "")
    done = subprocess.run(
        ["bash", "-c", whole], cwd=tmp_path, env=environment, text=True, capture_output=True, check=False,
        timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Our answer to your appeal" in done.stdout
    assert "holds" in done.stdout
    assert len(blocks()) > 8
