"""A file or an entry point without a component says which class it has and what that lacks."""

import pytest
from contracts.user_files import CELL, FIGURE, PROBE, TASK


def called(source, *renamed):
    """Return a source in which members have another name."""
    for name, slip in renamed:
        assert source.count(name) == 1
        source = source.replace(name, slip)
    return source


DRIVEN = called(CELL, ("def drive", "def driven"))
READS = called(PROBE, ("def read", "def reads"))
SLIPS = {
    "typo": (DRIVEN, "Tanh lacks `drive`; should `driven` be called `drive`?"),
    "two": (
        called(CELL, ("def drive", "def x"), ("def step", "def y")),
        "Tanh lacks `drive`, `step`",
    ),
    "no_sample": (
        called(TASK, ("def sample", "def samples")),
        "FirstNumber lacks `sample`; should `samples` be called `sample`?",
    ),
    "no_metrics": (
        called(TASK, ("    metrics =", "    metric =")),
        "FirstNumber lacks `metrics`; should `metric` be called `metrics`?",
    ),
    "no_options": (called(TASK, ("    Options =", "    x =")), "FirstNumber lacks `Options`"),
    "figure": (called(FIGURE, ("def draw", "def drawn")), "LastLoss lacks `draw`; should `drawn`"),
    "probe": (READS, "LargestUnit lacks `read`; should `reads` be called `read`?"),
    "hidden": (
        called(CELL, ("class Tanh", "class _Tanh")),
        "_Tanh is private; take the underscore from its name",
    ),
    "imported": (
        "from urnn_bench.cells.rnn import Rnn\n",
        "Rnn is imported, not defined here; define a subclass of it",
    ),
    "mixed": (
        DRIVEN + READS,
        "Tanh lacks `drive`; should `driven` be called `drive`?; LargestUnit lacks `read`",
    ),
    "neither": ("from urnn_bench.cells.base import Cell\n", "defines no public subclass of Cell,"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_file_without_a_component_says_what_its_classes_lack(name, bench):
    source, says = SLIPS[name]
    path = bench.write(f"{name}.py", source)
    said = bench("list", "--include", path, code=2).err
    assert f"{path}: {says}" in said and said.count("\n") == 1


def test_two_public_classes_are_named_with_what_mends_it(bench):
    bench.write("twice.py", CELL + "\n\nclass Second(Tanh):\n    pass\n")
    said = bench("describe", "twice", "--include", "twice.py", code=2).err
    assert "must define exactly one public Cell, found Tanh, Second; begin the names" in said


@pytest.mark.parametrize(
    "more",
    [
        "\n\nOther = Tanh\n",
        "\n\nclass Unfinished(Cell):\n    pass\n",
        "\n\nclass _Helper(Tanh):\n    pass\n",
    ],
)
def test_other_names_of_it_bases_and_helpers_are_beside_one_component(more, bench):
    bench.write("once.py", CELL + more)
    assert "once (model)" in bench("describe", "once", "--include", "once.py").out


def test_an_entry_point_to_a_class_that_lacks_a_method_is_one_sentence(bench, monkeypatch):
    bench.write("site/slippkg.py", CELL.replace("def drive", "def driven"))
    points = "[urnn_bench.cells]\nslip = slippkg:Tanh\nslip_module = slippkg\n"
    bench.write("site/slippkg-1.dist-info/entry_points.txt", points)
    metadata = "Metadata-Version: 2.1\nName: slippkg\nVersion: 1\n"
    bench.write("site/slippkg-1.dist-info/METADATA", metadata)
    monkeypatch.syspath_prepend(bench.folder / "site")
    said = bench("describe", "slip", code=2).err
    assert "entry point 'slip' (slippkg:Tanh): Tanh lacks `drive`; should `driven`" in said
    said = bench("describe", "slip_module", code=2).err
    assert "found none; Tanh lacks `drive`; should `driven` be called `drive`?" in said
