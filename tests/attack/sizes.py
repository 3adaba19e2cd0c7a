"""How much the attacks try: a little in every test run, a lot with --attack, which counts it."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

# `make attack` sets it; each line of the file is one count
FIGURES = "URNN_BENCH_ATTACK_FIGURES"

settings.register_profile("short", max_examples=40, derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=1500, database=None, deadline=None)


def pytest_addoption(parser):
    """Add --attack."""
    parser.addoption("--attack", action="store_true", help="run the attacks at their full size")


def pytest_configure(config):
    """Let property tests try as many inputs as the size of the attack says."""
    settings.load_profile("long" if config.getoption("--attack") else "short")


@pytest.fixture(scope="session")
def attack(pytestconfig):
    """The size of the attacks, and where they count what they tried."""
    return Attack(pytestconfig.getoption("--attack"))


class Attack:
    """``attack.size(short, long)`` says how many to try, ``attack.tried(...)`` counts them."""

    def __init__(self, is_long: bool):
        self.is_long = is_long

    def size(self, short: int, long: int) -> int:
        return long if self.is_long else short

    def tried(self, what: str, count: int = 1) -> None:
        """Count inputs that a test has tried and that ended as they should."""
        if path := os.environ.get(FIGURES):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"what": what, "count": count}) + "\n")
