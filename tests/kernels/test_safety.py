"""Kernels in C read memory by address: what would make that wrong is refused or cannot happen."""

import os
import pickle
import subprocess
import sys

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.cells.gru import Gru
from urnn_bench.cells.lstm import Lstm
from urnn_bench.cells.lstm_paper import LstmPaper, LstmPaperOptions
from urnn_bench.cells.urnn import Urnn, UrnnOptions
from urnn_bench.errors import KernelError
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.native import linear
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Registry


def urnn():
    with seeded(0, "init"):
        return Urnn(3, 8, UrnnOptions()).double()


def lstm():
    with seeded(0, "init"):
        return LstmPaper(3, 8, LstmPaperOptions()).double()


def stock_lstm():
    with seeded(0, "init"):
        return Lstm(3, 8, Lstm.Options()).double()


def gru():
    with seeded(0, "init"):
        return Gru(3, 8, Gru.Options()).double()


def inputs(t, b, dtype=torch.float64):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(t, b, 3, generator=rng, dtype=torch.float64).to(dtype)


def run_in_c(cell, *arguments):
    return cell.kernels["c"].run(cell, *arguments)


def losses(cell, hs):
    """Two losses of one forward pass."""
    return cell.readout_features(hs).square().mean(), cell.readout_features(hs).sin().mean()


@pytest.mark.parametrize("name", ["urnn", "rnn", "lstm_paper", "lstm", "gru"])
def test_parameters_changed_in_place_before_the_backward_pass_do_not_reach_it(name):
    """As by an optimizer between two backward passes of one forward pass."""
    found, x = [], inputs(5, 2)
    for kernel in ("eager", "c"):
        kind = Registry("model", "cells").get(name, Cell)
        with seeded(0, "init"):
            cell = kind(3, 8, kind.Options()).double()
        hs, _ = choose(cell, "cpu", kernel).run(x, cell.initial_state(2), cell.weights())
        first, second = losses(cell, hs)
        changed = [
            p for n, p in cell.named_parameters() if n.endswith(("v", "bias", "bias_x", "bias_h"))
        ]
        first.backward(retain_graph=True)
        with torch.no_grad():
            for p in changed:
                p.add_(0.5)
        cell.zero_grad()
        second.backward(inputs=changed)
        found.append([p.grad for p in changed])
    for slow, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
def test_a_state_changed_in_place_before_the_backward_pass_is_an_error(make):
    cell = make()
    state = tuple(s.detach().clone().requires_grad_() for s in cell.initial_state(2))
    hs, _ = run_in_c(cell, inputs(5, 2), state, cell.weights())
    with torch.no_grad():
        state[0].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        cell.readout_features(hs).sum().backward()


@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
def test_what_does_not_fit_is_refused_before_c_reads_it(make):
    cell, w = make(), make().weights()
    for x, state in (
        (inputs(4, 2)[..., :2], cell.initial_state(2)),
        (inputs(4, 2, torch.float32), cell.initial_state(2)),
        (inputs(4, 2), cell.initial_state(1)),
    ):
        with pytest.raises((KernelError, RuntimeError)):
            run_in_c(cell, x, state, w)
    with pytest.raises(KernelError, match=r"wants x as \(4, 5\) of torch.float64"):
        linear.linear(
            torch.zeros(4, 6).double(), torch.zeros(9, 5).double(), torch.zeros(9).double()
        )


def test_urnn_without_features():
    with seeded(0, "init"):
        cell = Urnn(0, 8, UrnnOptions()).double()
    x = torch.zeros(3, 2, 0, dtype=torch.float64)
    arguments = (x, cell.initial_state(2), cell.weights())
    torch.testing.assert_close(run_in_c(cell, *arguments)[0], unroll(cell, *arguments)[0])


FORKED = """
import multiprocessing
import torch
from urnn_bench.cells.urnn import Urnn, UrnnOptions
from urnn_bench.kernels.native.threads import THREADS
THREADS.set(2)
cell = Urnn(3, 8, UrnnOptions())
def run():
    with torch.no_grad():
        cell.kernels["c"].run(cell, torch.randn(4, 40, 3), cell.initial_state(40), cell.weights())
run()
child = multiprocessing.get_context("fork").Process(target=run)
child.start()
child.join(20)
print(child.exitcode)
child.kill()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_has_threads_of_its_own():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize("name", ["rnn", "lstm_paper", "gru", "urnn"])
def test_a_model_with_its_kernel_can_be_pickled(name):
    kind = Registry("model", "cells").get(name, Cell)
    cell = kind(3, 4, kind.Options())
    choice = pickle.loads(pickle.dumps(choose(cell, "cpu", "c")))
    assert choice.name == "c"
