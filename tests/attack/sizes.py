"""How much the attacks try: a little in every test run, a lot with --attack, which counts it."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("short", max_examples=40, derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=1000, database=None, deadline=None)


def pytest_addoption(parser):
    """Add --attack and --attack-counts."""
    parser.addoption("--attack", action="store_true", help="run the attacks at their full size")
    parser.addoption(
        "--attack-counts",
        type=Path,
        metavar="DIR",
        help="write what every process has tried into this folder",
    )


def pytest_configure(config):
    """Let property tests try as many inputs as the size of the attack says."""
    settings.load_profile("long" if config.getoption("--attack") else "short")


@pytest.fixture(scope="session")
def attack(pytestconfig):
    """The size of the attacks, and where they count what they tried."""
    sizes = Attack(pytestconfig.getoption("--attack"))
    yield sizes
    folder = pytestconfig.getoption("--attack-counts")
    if folder is not None and sizes.counts:
        worker = getattr(pytestconfig, "workerinput", {"workerid": "main"})["workerid"]
        _write(sizes.counts, folder / f"{worker}.csv")


class Attack:
    """``attack.size(short, long)`` says how many to try, ``attack.tried(...)`` counts them."""

    def __init__(self, is_long: bool):
        self.is_long = is_long
        self.counts = Counter()

    def size(self, short: int, long: int) -> int:
        return long if self.is_long else short

    def tried(self, what: str, count: int = 1) -> None:
        """Count inputs that a test has tried and that ended as they should."""
        self.counts[what] += count


def _write(counts, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("tried", "count"), *counts.items()])
