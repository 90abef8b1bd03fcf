"""Limitkeeper (额度管家): revolving consumer credit lines after they were granted."""

import os
from pathlib import Path

__version__ = "0.1.0"

# Compiled kernels are kept in the user's cache folder, not in the tree; numba reads this when it is imported.
CACHE_FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limitkeeper"
os.environ.setdefault("NUMBA_CACHE_DIR", str(CACHE_FOLDER / f"numba-{__version__}"))

# The vector maths library rounds otherwise than the scalar one; a row must give a portfolio's bits.
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
