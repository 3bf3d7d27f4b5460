"""What holds for every test: hypothesis looks for wrong answers, not for slow machines, and canaries listen."""

from __future__ import annotations

import gc

import canaries
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(canaries, "canaries")
    gc.disable()  # until all tests are loaded, which makes much that stays and no garbage


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: it is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()
