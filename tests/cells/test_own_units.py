"""A unit of a user's file: it trains, it is listed, and its file is part of what a run is."""

import json

import pytest
from contracts.user_files import CELL

BENCHMARK = """\
title: Whole digits
task: {name: static_digits}
T: [3]
seeds: [0]
hidden: 2
models:
  conv: {cell: {name: convrnn, unit: {name: fading, rate: 0.25}}}
fit: {steps: 2, batch: 4, evaluate_every: 2}
"""
UNIT = '''\
"""A leaky average at a fixed rate."""

from pydantic import Field
from torch.nn import functional
from urnn_bench.cells.units.base import Unit
from typing import NamedTuple


class FadingOptions(Unit.Options):
    rate: float = Field(0.5, gt=0, le=1, description="what of a map is new")


class Weights(NamedTuple):
    pass


class Fading(Unit):
    Options = FadingOptions

    def weights(self):
        return Weights()

    def step(self, x, state, w):
        rate = self.options.rate
        return ((1 - rate) * state[0] + rate * functional.elu(x),)
'''


@pytest.fixture
def own(bench):
    """The command line with a unit of a user's, and a benchmark of it."""
    bench.write("images.yaml", BENCHMARK)
    bench.write("fading.py", UNIT)
    return bench


def identities(bench):
    return {json.loads((f / "run.json").read_text())["identity"] for f in bench.runs("images")}


def test_it_trains_and_editing_its_file_gives_new_runs(own):
    train = ("run", "images.yaml", "--include", "fading.py")
    assert "1 done" in own(*train).err
    before = identities(own)
    assert "already done" in own(*train).err and identities(own) == before
    own.write("fading.py", UNIT.replace("(1 - rate) *", "(1.0 - rate) *"))
    assert "1 done" in own(*train).err
    assert len(identities(own)) == 2


def test_its_options_are_recorded_and_checked(own):
    own("run", "images.yaml", "--include", "fading.py", "-q")
    (folder,) = own.runs("images")
    unit = json.loads((folder / "run.json").read_text())["run"]["cell"]["options"]["unit"]
    assert unit["name"] == "fading" and unit["options"] == {"rate": 0.25} and unit["source"]
    wrong = ("--set", "models.conv.cell.unit.rate=2", "--include", "fading.py", "--dry-run")
    assert "must be at most 1, not 2" in own("run", "images.yaml", *wrong, code=2).err


def test_it_is_listed_and_described(own):
    include = ("--include", "fading.py")
    assert "A leaky average at a fixed rate." in own("list", "units", *include).out
    text = own("describe", "fading", *include).out
    assert "fading (unit)" in text and "[0.5] what of a map is new" in text
    assert "fading" not in own("list", "units").out


def test_without_its_file_it_is_unknown(bench):
    text = BENCHMARK.replace("{name: fading, rate: 0.25}", "unheard_of")
    bench.write("images.yaml", text)
    error = bench("run", "images.yaml", "--dry-run", code=2).err
    assert "no unit is called 'unheard_of'; there are: " in error and "needs --include" in error


def test_a_name_of_a_unit_is_not_taken_twice(own):
    own.write("ugrnn.py", UNIT)
    assert "rename one of them" in own("list", "--include", "ugrnn.py", code=2).err


def test_a_cell_of_a_user_is_no_unit_of_its_name(bench):
    bench.write("ugrnn.py", CELL)
    bench.write("images.yaml", BENCHMARK.replace("{name: fading, rate: 0.25}", "ugrnn"))
    assert "1 done" in bench("run", "images.yaml", "--include", "ugrnn.py").err
    (folder,) = bench.runs("images")
    options = json.loads((folder / "run.json").read_text())["run"]["cell"]["options"]
    assert options["unit"]["source"] is None


def test_a_cell_and_a_unit_of_one_name_are_both_described(bench):
    both = json.loads(bench("describe", "gru", "--json").out)
    assert [found["kind"] for found in both] == ["model", "unit"]
    assert both[1]["states"] == "h" and "W_xz" in both[1]["about"]
