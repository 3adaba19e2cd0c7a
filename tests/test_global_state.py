"""What a user's file changes of the process is put back, and decides nothing of other runs."""

import gc
import logging
import os
import signal
import sys

import pytest
import torch

from urnn_bench.global_state import kept

# what a file may do, and how to see that it has
CHANGES = {
    "command": (lambda: sys.argv.append("--more"), lambda: list(sys.argv)),
    "environment": (lambda: os.environ.update(HOME="/nowhere"), lambda: os.environ.get("HOME")),
    "results": (
        lambda: os.environ.update(URNN_BENCH_RESULTS="/x"),
        lambda: os.environ.get("URNN_BENCH_RESULTS"),
    ),
    "interrupt": (
        lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGINT),
    ),
    "termination": (
        lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "recursion": (
        lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 77),
        sys.getrecursionlimit,
    ),
    "garbage": (gc.disable, gc.isenabled),
    "log level": (lambda: logging.root.setLevel(7), lambda: logging.root.level),
    "log handlers": (
        lambda: logging.root.addHandler(logging.NullHandler()),
        lambda: list(logging.root.handlers),
    ),
    "exceptions": (lambda: setattr(sys, "excepthook", print), lambda: sys.excepthook),
    "messages": (lambda: setattr(sys, "stderr", None), lambda: sys.stderr),
    "small numbers": (
        lambda: torch.set_flush_denormal(True),
        lambda: float(torch.tensor(1e-40) * 1),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_put_back(name):
    change, read = CHANGES[name]
    before = read()
    with kept():
        change()
        assert read() != before
    assert read() == before


def test_a_variable_that_a_file_adds_for_its_libraries_stays(monkeypatch):
    monkeypatch.delenv("MY_LIBRARY_HOME", raising=False)
    with kept():
        os.environ["MY_LIBRARY_HOME"] = "/there"
    assert os.environ.pop("MY_LIBRARY_HOME") == "/there"


CELL = """\
import os, sys
import torch
from urnn_bench.cells.base import Cell

os.environ["URNN_BENCH_RESULTS"] = "elsewhere"
sys.argv[:] = ["another", "program"]
sys.setrecursionlimit(200)


class Own(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        {line}
        self.v = torch.nn.Parameter(torch.randn(inputs, hidden))

    def weights(self):
        return (self.v,)

    def drive(self, x, w):
        return x @ w[0]

    def step(self, u, state, w):
        return (0.9 * state[0] + u,)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)
"""


def test_a_file_does_not_decide_where_another_model_is_recorded(bench):
    bench.write("own.py", CELL.format(line="pass"))
    bench("run", "tiny", "--model", "own", "--model", "lstm", "--include", "own.py", "-q")
    assert len(bench.runs()) == 2 and not (bench.folder / "elsewhere").exists()
    assert all('"--include"' in (run / "run.json").read_text() for run in bench.runs())


@pytest.mark.parametrize("line", ["torch.manual_seed(3)", "pass"])
def test_a_cell_that_seeds_a_generator_is_a_warning(line, bench):
    bench.write("own.py", CELL.format(line=line))
    err = bench("run", "tiny", "--model", "own", "--include", "own.py", "-q", "--seeds", 2).err
    assert err.count("all seeds begin with the same weights") == (line != "pass")


@pytest.mark.parametrize("statement", ["from beside_it import X", "from .beside_it import X"])
def test_how_to_import_a_module_beside_a_file_is_told(statement, bench):
    path = bench.write("cells/own.py", f"{statement}\n")
    bench.write("cells/beside_it.py", "X = 1\n")
    err = bench("list", "models", "--include", "cells/own.py", code=2).err
    assert f"set PYTHONPATH={path.parent}" in err
