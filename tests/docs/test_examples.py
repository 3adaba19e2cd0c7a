"""The examples of some pages and of the README run as they stand, command by command."""

import re

import pytest
from docs_pages import ROOT, commands, files, quoted


def sections(name):
    """The headings of a page, and what stands below each."""
    text = (ROOT / name).read_text()
    first, *parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return {"": first, **dict(zip(parts[::2], parts[1::2], strict=True))}


EXTENDING = sections("docs/extending.md")
SHOWN = [heading for heading, text in EXTENDING.items() if heading and files(text)]


def test_every_kind_of_component_has_an_example():
    kinds = ("cell", "unit", "task", "readout", "figure", "probe", "kernel", "claim")
    assert [f"A {kind}" for kind in kinds] == SHOWN


@pytest.mark.parametrize("heading", SHOWN)
def test_an_example_runs(heading, bench):
    for name, text in (files(EXTENDING[""]) | files(EXTENDING[heading])).items():
        bench.write(name, text)
    asked = list(commands(EXTENDING[heading]))
    assert asked, "an example without a command shows nothing"
    for command in asked:
        found = bench(*command)
        assert found.out or found.err


def test_the_example_of_convolutional_networks_runs(bench):
    page = (ROOT / "docs" / "convolutional.md").read_text()
    for name, text in files(page).items():
        bench.write(name, text)
    for command in commands(page):
        found = bench(*command)
        assert found.out or found.err


def test_the_cell_of_the_readme_trains(bench):
    readme = (ROOT / "README.md").read_text()
    ((name, text),) = files(readme).items()
    bench.write(name, text)
    (command,) = [c for c in quoted(readme) if "--include" in c]
    short = ["--T", 10, "--seeds", 1, "--set", "fit.steps=2", "--set", "task.test_examples=50"]
    assert "1 done" in bench(*command, *short).err


def test_the_example_of_own_arrays_runs(bench, monkeypatch):
    section = sections("docs/data.md")["Your own arrays"]
    for name, text in files(section).items():
        bench.write(name, text)
    monkeypatch.chdir(bench.folder)
    exec((bench.folder / "make_data.py").read_text(), {})
    for command in commands(section):
        assert "2 done" in bench(*command).err
