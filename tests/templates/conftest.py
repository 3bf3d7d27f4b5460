"""Makes the acceptance tests' world importable: stories are lived in it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))
