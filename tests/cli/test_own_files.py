"""``new`` writes files that pass ``check`` and train, and ``check`` tells every fault of a file."""

import json
import shlex
from pathlib import Path

import pytest

import urnn_bench
from urnn_bench.cli.commands.new import Kind

TEMPLATES = Path(urnn_bench.__file__).parent / "templates"
FAULTY = '''\
"""A cell with many faults."""

from typing import NamedTuple

import torch
from torch import nn

from urnn_bench.cells.base import Cell


class Weights(NamedTuple):
    v: torch.Tensor


class Faulty(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.v = nn.Parameter(torch.randn(inputs, hidden))
        self.rate = torch.full((hidden,), 0.9)
        self.more = [nn.Linear(2, 2)]

    def weights(self):
        return Weights(self.v)

    def drvie(self, x, w):
        return x @ w.v

    def step(self, u, state, w):
        return 0.9 * state[0] + u

    def initial_state(self, batch):
        return (torch.zeros(batch, self.hidden),)

    def flop(self):
        return 3
'''
SENTENCES = (
    "Faulty lacks `drive`; should `drvie` be called `drive`?",
    "defines `flop`, which nothing calls; is it `flops`?",
    "`rate` has a tensor that is no parameter and no buffer",
    "`more` has layers in a list that torch does not know",
    "`step` returned a tensor of shape (4, 8); it must return a tuple, such as (h,)",
    "`initial_state` returned numbers of type float32; the weights are float64",
)


@pytest.mark.parametrize("kind", Kind)
def test_a_new_file_passes_its_checks_and_its_commands_work_as_typed(kind, bench):
    found = bench("new", kind, f"my_{kind}")
    assert (bench.folder / found.out.strip()).is_file()
    commands = [shlex.split(line) for line in found.err.splitlines()]
    for program, *command in commands:
        assert program == "urnn-bench"
        bench(*command)
    if found.out.endswith(".py\n"):
        assert commands[0] == ["urnn-bench", "check", f"my_{kind}.py"]


def test_every_kind_has_a_template():
    assert {path.name.split(".")[0] for path in TEMPLATES.iterdir()} == {*map(str, Kind)}


def test_new_overwrites_nothing_and_takes_no_name_that_is_taken(bench):
    bench("new", "cell", "my_cell", "--out", "own")
    path = bench.folder / "own/my_cell.py"
    path.write_text("mine")
    said = bench("new", "cell", "my_cell", "--out", "own", code=2).err
    assert "own/my_cell.py is there already" in said and path.read_text() == "mine"
    assert "a cell is called 'lstm' already" in bench("new", "cell", "lstm", code=2).err
    assert "no name of a file to import" in bench("new", "task", "my-task", code=2).err


def test_check_tells_every_fault_of_a_file(bench):
    bench.write("faulty.py", FAULTY)
    err = bench("check", "faulty.py", code=2).err
    assert len(err.splitlines()) == len(SENTENCES) - 1, "two of them are on one line"
    assert all(sentence in err for sentence in SENTENCES)
    (found,) = json.loads(bench("check", "faulty.py", "--json", code=2).out)
    assert (found["kind"], len(found["faults"])) == ("cell", len(SENTENCES) - 1)


SOUND = FAULTY.replace("drvie", "drive").replace("0.9 * state[0] + u", "(0.9 * state[0] + u,)")


def test_a_tensor_that_nothing_trains_is_told_before_training(bench):
    bench.write("faulty.py", SOUND)
    err = bench("run", "tiny", "--model", "faulty", "--include", "faulty.py", code=3).err
    assert "`rate` has a tensor that is no parameter and no buffer" in err
    assert "the cell 'faulty' defines `flop`, which nothing calls; is it `flops`?" in err


UNUSED = SOUND.replace("        self.rate = torch.full((hidden,), 0.9)\n", "").replace(
    "self.more = [nn.Linear(2, 2)]", "self.more = nn.Parameter(torch.ones(3))"
)


def test_a_parameter_without_a_gradient_is_told(bench):
    bench.write("faulty.py", UNUSED.replace("torch.zeros(", "self.v.new_zeros("))
    sentence = "no gradient arrives at `more` in two steps"
    assert sentence in bench("check", "faulty.py", code=2).err
    assert sentence in bench("run", "tiny", "--model", "faulty", "--include", "faulty.py").err


TYPED = """\
import torch
from torch import nn

from urnn_bench.cells.base import Cell


class Typed(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.v = nn.Parameter(torch.randn(inputs, hidden))
        KEPT

    def weights(self):
        return self.v, self.W

    def drive(self, x, weights):
        return x @ weights[0]

    def step(self, u, state, weights):
        return (torch.tanh(u + USE),)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)
"""
PARAMETER = "self.W = nn.Parameter(torch.ones(hidden, hidden, dtype=torch.{}))"
BUFFER = 'self.register_buffer("W", torch.ones(hidden, hidden, dtype=torch.{}))'
MATRIX = "state[0] @ weights[1]"


@pytest.mark.parametrize(
    ("kept", "what"),
    [
        (PARAMETER.format("float64"), "parameter `W` is float64"),
        (PARAMETER.format("float16"), "parameter `W` is float16"),
        (BUFFER.format("float64"), "buffer `W` is float64"),
    ],
)
def test_numbers_of_another_type_are_told_and_a_run_converts_them(kept, what, bench):
    bench.write("typed.py", TYPED.replace("KEPT", kept).replace("USE", MATRIX))
    sentence = f"the cell 'typed': {what} where the module is float32; make it float32"
    (said,) = bench("check", "typed.py", code=2).err.splitlines()
    assert sentence in said
    run = ("run", "tiny", "--model", "typed", "--include", "typed.py", "-q")
    for more in ((), ("--set", "fit.dtype=float64")):
        (warned,) = bench(*run, *more).err.splitlines()
        assert f"warning: {sentence}" in warned


def test_a_buffer_of_whole_numbers_is_told_where_torch_refuses_it(bench):
    whole = TYPED.replace("KEPT", BUFFER.format("int64"))
    bench.write("typed.py", whole.replace("USE", MATRIX))
    said, line = bench("check", "typed.py", code=2).err.splitlines()
    assert "`step` fails: buffer `W` is int64, which no run converts" in said
    assert line.endswith(f"return (torch.tanh(u + {MATRIX}),)")
    # torch multiplies these, and takes them as indices
    bench.write("sound.py", whole.replace("USE", "state[0] * weights[1][0]"))
    assert bench("check", "sound.py").err == ""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("import torch\n", "import torch\n1 / 0\n", "1 / 0"),
        ("class Weights", "class Weights(", "class Weights((NamedTuple):"),
    ],
)
def test_an_error_while_importing_shows_the_line_of_the_file(old, new, line, bench):
    bench.write("faulty.py", FAULTY.replace(old, new, 1))
    for command in (("check", "faulty.py"), ("run", "tiny", "--include", "faulty.py")):
        said, *frames = bench(*command, code=2).err.splitlines()
        assert "faulty.py: cannot be imported" in said
        assert frames and frames[-1].startswith("  faulty.py:") and frames[-1].endswith(line)


def test_an_error_in_training_shows_the_lines_of_the_file_alone(bench):
    helped = SOUND.replace("return (0.9 * state[0] + u,)", "return broken(u)")
    helped += "\n\ndef broken(u):\n    raise ValueError('no such gate')\n"
    bench.write("faulty.py", helped.replace("self.rate", "rate").replace("self.more", "more"))
    err = bench("run", "tiny", "--model", "faulty", "--include", "faulty.py", code=3).err
    assert f"no such gate, at faulty.py:{len(helped.splitlines())} (see " in err
    (run,) = bench.runs()
    *frames, said = (run / "error.txt").read_text().splitlines()
    assert [frame.split(": ", 1)[1] for frame in frames] == [
        "return broken(u)",
        "raise ValueError('no such gate')",
    ]
    assert "no such gate" in said
