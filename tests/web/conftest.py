"""One receiver for all tests that leave it as it was, and fresh ones for the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from web.served import Served, served


@pytest.fixture
def receiver() -> Iterator[Served]:
    with served() as made:
        yield made
