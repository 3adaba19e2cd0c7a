"""Groups of rows: each row in one of them, and what is left over in narrow vectors."""

import pytest
import torch

from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.native import compiler, dense
from urnn_bench.kernels.native import groups as native_groups
from urnn_bench.kernels.native.groups import groups
from urnn_bench.kernels.native.memory import PRECISIONS
from urnn_bench.kernels.native.threads import share_out
from urnn_bench.measure.correctness import Shape, cell_of, inputs_of, max_relative_error
from urnn_bench.registry import Components

NAMES = ("gru", "irnn", "lstm_paper", "rnn", "urnn")
REFUSES = """#!/bin/sh
case "$*" in *-DBYTES=*) echo refused >> {log}; exit 1;; esac
exec cc "$@"
"""


@pytest.fixture
def cold(monkeypatch, tmp_path):
    """Nothing is compiled, as on a new machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caches = (compiler.library, native_groups._narrow)
    for each_cache in caches:
        each_cache.cache_clear()
    yield tmp_path
    for each_cache in caches:
        each_cache.cache_clear()


def wrong(name, batch):
    shape = Shape(9, batch, 7)
    return max_relative_error(Components(), name, shape, inputs_of(Components(), shape), "c")


@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_rows(name):
    """One to more than a widest group in float64: every width that what is left may take."""
    assert max(wrong(name, batch) for batch in range(1, 11)) < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_are_no_error(name):
    shape = Shape(5, 2, 3)
    cell, x = cell_of(Components(), name, shape), inputs_of(Components(), shape)[:, :0]
    hs, (last, *_) = choose(cell, "cpu", "c").run(x, cell.initial_state(0), cell.weights())
    hs.abs().sum().backward()
    assert hs.shape == (5, 0, 3) and last.shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_left_over_takes_the_narrowest_vectors_that_hold_it(dtype):
    widest = int(compiler.library(dense._SOURCE, PRECISIONS[dtype].defines).lanes())
    for batch in (1, 4, widest - 1, widest, widest + 1, 20, 5 * widest // 2, 128):
        those = groups(dense._SOURCE, batch, dtype)
        assert [group.row for group in those] == [*range(0, batch, widest)]
        assert [group.place for group in those] == [*range(len(those))]
        assert all(group.lanes == int(group.library.lanes()) for group in those)
        *full, last = those
        assert all(group.lanes == widest for group in full)
        left = batch - last.row
        assert left <= last.lanes < 2 * left or last.lanes * dtype.itemsize == 16
    assert groups(dense._SOURCE, 0, dtype) == []


def test_without_narrow_vectors_wide_ones_do_the_same(cold, monkeypatch):
    """A compiler that refuses them is not asked twice."""
    cc, log = cold / "cc", cold / "log"
    cc.write_text(REFUSES.format(log=log))
    cc.chmod(0o755)
    monkeypatch.setenv("CC", str(cc))
    assert wrong("lstm_paper", 1) < 1e-12 and log.read_text() == "refused\n"


def test_what_a_batch_needs_is_compiled_before_it_comes(cold):
    shape = Shape(4, 3, 5)
    cell, x = cell_of(Components(), "rnn", shape), inputs_of(Components(), shape)
    choice = choose(cell, "cpu", "c")
    choice.warm_up(3, torch.float32)
    made = set(cold.glob("**/*.so"))
    choice.run(x, cell.initial_state(3), cell.weights())
    assert made and set(cold.glob("**/*.so")) == made


def test_every_group_is_taken_once_whatever_the_threads():
    for count in (1, 2, 7):
        for threads in (1, 2, 3, 16):
            taken = []
            share_out(lambda first, last, out=taken: out.extend(range(first, last)), count, threads)
            assert sorted(taken) == list(range(count))
