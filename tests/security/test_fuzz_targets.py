"""What scripts/fuzz.py feeds for hours is fed here for a moment; what it once found is fed first (S9, S13, I10).

Inputs of hypothesis are bytes and bent seeds; `tests/samples/fuzz/TARGET/` holds every input that was ever a finding.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from fuzzing.cli import names  # noqa: E402 - after the path to it
from fuzzing.targets import TARGETS  # noqa: E402

FOUND = Path(__file__).resolve().parents[1] / "samples" / "fuzz"
COSTLY = {"rules": 15, "yaml": 25, "documents": 25, "crm": 60, "wire": 60}
"""Targets whose inputs cost milliseconds, with how many are fed."""
HEAVY = {"commands": 8, "runs": 2}
"""Targets whose inputs cost tenths of seconds, with how many of their seeds are fed; nothing else is."""
LIGHT = sorted(set(TARGETS) - set(HEAVY))


def test_the_script_offers_every_target() -> None:
    assert sorted(names()) == sorted(TARGETS)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_once_a_finding_is_none_any_more(path: Path) -> None:
    TARGETS[path.parent.name].feed(path.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_seeds_pass(name: str) -> None:
    for seed in islice(TARGETS[name].seeds(), HEAVY.get(name)):
        TARGETS[name].feed(seed)


@pytest.mark.parametrize("name", LIGHT)
def test_any_bytes_end_in_a_value_or_an_error_of_ours(name: str) -> None:
    @settings(max_examples=COSTLY.get(name, 100))
    @given(st.binary(max_size=300))
    @example(b"")
    @example(b"\x00")
    @example(b"\xff" * 64)
    def feed(data: bytes) -> None:
        TARGETS[name].feed(data)

    feed()


@pytest.mark.parametrize("name", LIGHT)
def test_seeds_with_a_piece_changed_end_so_too(name: str) -> None:
    """S9 for the shipped rule files: always rules, or complaints with a place."""
    target = TARGETS[name]
    seeds, added = list(target.seeds()), st.sampled_from([word.encode() for word in target.words] or [b"\x00"])

    @settings(max_examples=COSTLY.get(name, 100))
    @given(st.sampled_from(seeds), st.integers(0, 6000), st.integers(0, 40), st.one_of(st.binary(max_size=9), added))
    def feed(seed: bytes, at: int, gone: int, put: bytes) -> None:
        at %= len(seed) + 1
        target.feed(seed[:at] + put + seed[at + gone :])

    feed()
