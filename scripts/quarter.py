#!/usr/bin/env python3
"""Lives through a quarter with every kind of rep on the sandbox, and checks its log; see docs/quarter.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / room) for room in ("", "acceptance"))]

from quarter.cli import main  # noqa: E402 - found by the path set above

if __name__ == "__main__":
    sys.exit(main())
