"""What tests share: parts of the machine that a test may need, and the real data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PARTS: dict[str, Callable[[], Path | None]] = {
    "browser": lambda: next((path for path in map(Path, CHROMIUM) if path.exists()), None),
    "shared_data": lambda: SHARED if SHARED.is_dir() else None,
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
