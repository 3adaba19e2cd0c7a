"""A cell's example: the size at which it is checked and timed where nothing else gives one."""

import json

import pytest
from contracts.user_files import CELL

from urnn_bench.registry import Components
from urnn_bench.run.examples import example_cell

CHECK = "super().__init__(inputs, hidden, options)"


def cell(check, example=""):
    """Return the source of a cell that makes a check of its size, with an example if given."""
    source = CELL.replace(CHECK, f"{check}\n        {CHECK}")
    method = f"\n    @classmethod\n    def example(cls):\n        {example}\n"
    return source + method if example else source


SQUARE = cell(
    "assert inputs in (4, 9, 16), 'inputs must be a square'",
    "from urnn_bench.cells.base import Example; return Example(inputs=9)",
)
THIRDS = cell(
    "assert hidden % 3 == 0, 'hidden must be divisible by 3'",
    "from urnn_bench.cells.base import Example; return Example(hidden=6, steps=7)",
)
REFUSES = cell("raise ValueError('never')")
NO_EXAMPLE = cell("pass", "raise ValueError('not yet')")
WRONG_EXAMPLE = cell("pass", "return 3, 4")
FILES = {
    "square": SQUARE,
    "thirds": THIRDS,
    "refuses": REFUSES,
    "no_example": NO_EXAMPLE,
    "wrong_example": WRONG_EXAMPLE,
}


@pytest.fixture
def kernels(bench):
    """Run ``kernels`` on some of the cells at a small size and return what it writes."""
    for name, source in FILES.items():
        bench.write(f"{name}.py", source)

    def run(*names, hidden=(), code=0):
        files = [word for name in names for word in ("--include", f"{name}.py", "--model", name)]
        return bench(
            *("kernels", *files, *hidden, "--batch", "2", "--rounds", "1", "--json"), code=code
        )

    return run


def test_kernels_are_measured_at_the_example(kernels):
    rows = json.loads(kernels("square", "thirds").out)
    sizes = {row["model"]: (row["steps"], row["hidden"]) for row in rows}
    assert sizes["square"] == (520, 128) and sizes["thirds"] == (7, 6)


def test_a_width_of_the_command_line_wins(kernels):
    rows = json.loads(kernels("thirds", hidden=("--hidden", "9")).out)
    assert {row["hidden"] for row in rows} == {9}
    error = kernels("thirds", hidden=("--hidden", "10"), code=2).err
    assert "cannot be built 10 wide: AssertionError: hidden must be divisible by 3" in error


def test_a_cell_that_cannot_be_built_is_skipped_with_the_reason(kernels):
    written = kernels("thirds", "refuses", "no_example", "wrong_example")
    assert {row["model"] for row in json.loads(written.out)} == {"thirds", "torch"}
    skipped = [line for line in written.err.splitlines() if line.startswith("skipped: ")]
    names = [line.split("'")[1] for line in skipped]
    assert names == ["refuses", "no_example", "wrong_example"]
    assert "ValueError: never" in skipped[0] and "ValueError: not yet" in skipped[1]
    assert "must return an Example, not tuple" in skipped[2]
    assert "Traceback" not in written.err


def test_a_cell_that_cannot_be_built_alone_is_one_sentence(kernels):
    error, *lines = kernels("refuses", code=2).err.splitlines()
    assert "ValueError: never" in error and [line.split(":")[0] for line in lines] == [
        "  refuses.py"
    ]


@pytest.mark.parametrize("option", [("--profile",), ("--seeds", "2")])
def test_other_measurements_take_the_example_too(kernels, option):
    rows = json.loads(kernels("thirds", "refuses", hidden=option).out)
    assert {(row["model"], row["hidden"]) for row in rows} == {("thirds", 6)}


@pytest.mark.parametrize("name", Components().cells.names())
def test_every_cell_of_the_package_can_be_built_at_its_example(name):
    assert example_cell(Components(), name).hidden > 1


def test_doctor_names_the_kernel_at_a_width_that_kernels_take(bench):
    kernels = json.loads(bench("doctor", "--json").out)["kernels"]
    assert set(kernels) == set(Components().cells.names())
    assert "not 1" not in kernels["urnn"] and kernels["urnn"].startswith("c: ")
