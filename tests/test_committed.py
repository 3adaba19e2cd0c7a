"""What is committed below results/paper: figures that `make figures` draws, and records alone."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def committed():
    try:
        asked = ["git", "-C", str(ROOT), "ls-files", "results/paper"]
        files = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return set(files) or pytest.skip("a checkout without results")


def drawn():
    """Every figure of `make figures`, without its suffix."""
    for line in (ROOT / "Makefile").read_text().splitlines():
        if found := re.fullmatch(r"\t\$\(DRAW\) (\S+) (.*) --results (\S+)", line):
            benchmark, figures, results = found.groups()
            for name in re.findall(r"--figure (\S+)", figures):
                yield f"{results}/{benchmark}/figures/{name}"


def test_every_committed_figure_is_drawn_by_make_figures(committed):
    figures = {file for file in committed if "/figures/" in file}
    assert figures == {f"{figure}.{kind}" for figure in drawn() for kind in ("png", "svg")}


def test_every_figure_of_the_readme_is_committed(committed):
    shown = set(re.findall(r"\]\((results/[^)]*)\)", (ROOT / "README.md").read_text()))
    assert shown and shown <= committed


def test_no_weights_are_committed(committed):
    kinds = {Path(file).suffix for file in committed}
    assert kinds == {".json", ".jsonl", ".csv", ".png", ".svg"}
