"""A cell written against the former names of the hooks works, and a warning says the new ones."""

import json

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.errors import UsageError
from urnn_bench.registry import Registry, load_file
from urnn_bench.renamed import FormerNameWarning

CELL = """
import torch
from torch import nn
from urnn_bench.cells.base import Cell


class Leaky(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.v = nn.Parameter(torch.randn(inputs, hidden))

    def weights(self):
        return (self.v,)

    def drive(self, x, w):
        return x @ w[0]

    def step(self, u, state, w):
        return (0.9 * state[0] + u,)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)

    {extra}
"""


def load(folder, extra, name="leaky"):
    path = folder / f"{name}.py"
    path.write_text(CELL.format(extra=extra))
    return Registry("model", "cells").include(path).get(name, Cell)


@pytest.mark.parametrize(
    ("extra", "new", "value"),
    [
        ("def read(self, h): return h + 1", "readout_features", 1),
        ("def updated(self, step): return step + 1", "on_update_end", 1),
        ("def orthogonal(self): return (self.v,)", "orthogonal_parameters", None),
        ("fused = {'mine': 1}", "kernels", {"mine": 1}),
        ("counts_steps = True", "time_varying", True),
        ("asks_host = 'no reason'", "host_sync_reason", "no reason"),
        ("asks_host = property(lambda self: 'a reason')", "host_sync_reason", "a reason"),
    ],
)
def test_a_former_hook_is_the_new_one_and_is_warned_of(extra, new, value, tmp_path):
    old = extra.removeprefix("def ").split()[0].split("(")[0]
    with pytest.warns(FormerNameWarning, match=f"leaky.py: has .*: {old} is now {new}$"):
        kind = load(tmp_path, extra)
    cell = kind(2, 3, Cell.Options())
    hook = getattr(cell, new)
    if new == "orthogonal_parameters":
        assert hook() == (cell.v,)
    else:
        assert (hook(0) if callable(hook) else hook) == value
    assert not hasattr(Cell, old), "others have no such name"


FAMILY = """
class Scaled(Leaky):
    def {first}(self, h):
        return 2 * super().{first}(h)


class _Shifted(Scaled):
    def {second}(self, h):
        return 1 + super().{second}(h)


class _Both(_Shifted):
    def total(self, h):
        return self.readout_features(h) + self.{second}(h)
"""


@pytest.mark.parametrize("extra", ["", "def read(self, h): return 10 * h"])
@pytest.mark.parametrize(
    ("first", "second"),
    [("read", "read"), ("read", "readout_features"), ("readout_features", "read")],
)
def test_super_and_self_find_a_hook_by_either_name(extra, first, second, tmp_path):
    path = tmp_path / "family.py"
    path.write_text(CELL.format(extra=extra) + FAMILY.format(first=first, second=second))
    with pytest.warns(FormerNameWarning):
        module = load_file(path)
    h = torch.ones(1)
    expected = 1 + 2 * (10 if extra else 1)
    for name, value in (("_Shifted", expected), ("_Both", expected)):
        assert getattr(module, name)(1, 1, Cell.Options()).readout_features(h) == value
    assert module._Both(1, 1, Cell.Options()).total(h) == 2 * expected


def test_a_parameter_may_have_a_former_name_in_a_cell_that_uses_none(tmp_path):
    with pytest.warns(FormerNameWarning):
        load(tmp_path, "def read(self, h): return h", "older")
    kind = load(tmp_path, "pass", "newer")
    cell = kind(1, 1, Cell.Options())
    cell.read = torch.nn.Parameter(torch.ones(1))
    assert cell.read in set(cell.parameters()) and cell.readout_features(cell.v) is cell.v


def test_a_class_that_defines_both_names_is_refused(tmp_path):
    both = "def read(self, h): return h\n    def readout_features(self, h): return 2 * h"
    with pytest.raises(UsageError, match="Leaky defines readout_features and also read, its for"):
        load(tmp_path, both)


def test_a_cell_without_annotations_is_loaded(tmp_path):
    assert load(tmp_path, "time_varying = True").time_varying


def test_a_cell_with_former_names_is_listed_described_and_trained(bench):
    former = CELL.format(extra="def read(self, h): return torch.tanh(h)")
    head = "from urnn_bench.spec.schema import Strict\nfrom urnn_bench.kernels.scan import State\n"
    path = bench.write("former.py", head + former)
    said = bench("list", "models", "--include", path)
    (warning,) = said.err.splitlines()
    for old, new in (
        ("urnn_bench.spec.schema.Strict", "urnn_bench.spec.types.Config"),
        ("urnn_bench.kernels.scan.State", "urnn_bench.kernels.time_loop.State"),
        ("read", "readout_features"),
    ):
        assert f"{old} is now {new}" in warning
    included = ("--include", path)
    (description,) = json.loads(bench("describe", "former", *included, "--json").out)
    assert description["kind"] == "model"
    assert "former T=4 seed 0: done" in bench("run", "tiny", "--model", "former", *included).err


def test_a_former_kernel_takes_its_former_arguments():
    from urnn_bench.kernels import choose

    with pytest.warns(FormerNameWarning, match="Fused is now Implementation"):
        kernel = choose.Fused(frozenset({"cpu"}), run=None, obstacle=lambda _: "no", prepare=print)
    assert kernel.unavailable_reason(None, "cpu") == "no" and kernel.warm_up is print
