#!/usr/bin/env python3
"""Lives through Olist's real funnel on the sandbox and compares the figures; see docs/olist.md and scripts/olist/."""

import sys

from olist.cli import main

if __name__ == "__main__":
    sys.exit(main())
