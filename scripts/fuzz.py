#!/usr/bin/env python3
"""Feeds a parser with inputs that a coverage-guided fuzzer makes up; see docs/security.md and scripts/fuzzing/."""

import sys

from fuzzing.cli import main

if __name__ == "__main__":
    sys.exit(main())
