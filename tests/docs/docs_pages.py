"""What the tests of the documentation share: its pages, their code, and what generates tables."""

import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# where docs/generate.py finds its modules when it is run
sys.path.insert(0, str(ROOT / "docs"))

FENCE = re.compile(
    r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
INLINE = re.compile(r"`(urnn-bench [^`]+)`")


def pages():
    """The README and every page."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(page):
    return page.relative_to(ROOT).as_posix()


def files(text):
    """The files that a page says to save, by name."""
    return {found["title"]: found["text"] for found in FENCE.finditer(text) if found["title"]}


def commands(text):
    """The commands in blocks of their own, as lists of words without the program's name."""
    lines = (
        line
        for fence in FENCE.finditer(text)
        if not fence["language"]
        for line in fence["text"].splitlines()
    )
    for line in (line.removeprefix("$ ") for line in lines):
        if line.startswith("urnn-bench "):
            yield shlex.split(line, comments=True)[1:]


def quoted(text):
    """Those within a sentence too."""
    yield from commands(text)
    for found in INLINE.finditer(FENCE.sub("", text)):
        yield shlex.split(found[1])[1:]


each_page = pytest.mark.parametrize("page", pages(), ids=named)
