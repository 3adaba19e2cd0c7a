"""Probes read total derivatives: equal to autograd's, to finite differences, and known by hand."""

from functools import partial
from math import isnan, log

import pytest
import torch

from urnn_bench.cells.base import StateSpec
from urnn_bench.kernels.time_loop import iterate_states
from urnn_bench.probes._trace import Trace, trace
from urnn_bench.probes.base import Probe
from urnn_bench.registry import Components, Registry
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

B, T = 3, 6
PROBES = Registry("probe", "probes")


def job(cell, task="copying"):
    options = {"copying": {"T": 2, "recall": 2, "symbols": 3}, "adding": {"T": T}}[task]
    run = Run(
        benchmark="test",
        label=cell,
        task=ComponentSpec(name=task, options=options),
        cell=ComponentSpec(name=cell),
        hidden=4,
        fit=Fit(batch=B),
        seed=0,
    )
    return build.job_of(Components(), run, Backend("cpu", "eager"))[0]


def traced(made):
    batch = made.task.batch("validation", 0, B, 0)
    return trace(made.model, made.task, batch), batch


def read(name, seen, **options):
    kind = PROBES.get(name, Probe)
    return kind(kind.Options(**options)).read(seen)


@pytest.mark.parametrize("task", ["copying", "adding"])
@pytest.mark.parametrize("cell", ["urnn", "rnn", "lstm", "lstm_paper", "gru"])
def test_gradients_are_those_that_autograd_retains(cell, task):
    made = job(cell, task)
    seen, batch = traced(made)
    model = made.model.double()
    state, w = model.cell.initial_state(B), model.cell.weights()
    batch = batch.to(torch.device("cpu"), torch.float64)
    states = []
    for u in model.cell.drive(model.encode(batch.x), w).unbind(0):
        state = model.cell.step(u, state, w)
        for part in state:
            part.retain_grad()
        states.append(state)
    hs = states[-1][0] if task == "adding" else torch.stack([s[0] for s in states])
    (B * made.task.loss(model.predict(hs), batch)).backward()
    for index, name in enumerate(model.cell.state_names):
        torch.testing.assert_close(seen.states[name], torch.stack([s[index] for s in states]))
        zero = torch.zeros_like(seen.gradients[name][0])
        retained = [zero if s[index].grad is None else s[index].grad for s in states]
        torch.testing.assert_close(seen.gradients[name], torch.stack(retained))


def replayed(made, batch, at, change):
    """The loss of each example when the state after step ``at`` is changed."""
    model = made.model.double()
    state, w, hs = model.cell.initial_state(B), model.cell.weights(), []
    for t, u in enumerate(model.cell.drive(model.encode(batch.x), w).unbind(0)):
        state = model.cell.step(u, state, w)
        if t == at:
            state = change(state)
        hs.append(state[0])
    return made.task.loss(model.predict(torch.stack(hs)), batch)


@pytest.mark.parametrize("at", [0, 3, T - 1])
@pytest.mark.parametrize("cell", ["urnn", "rnn"])
def test_the_gradient_of_h_is_a_finite_difference(cell, at):
    made = job(cell)
    seen, batch = traced(made)
    gradient, step = seen.gradients["h"][at], 1e-6

    def change(state, place, by):
        h = state[0].clone()
        h[place] += by
        return (h,)

    for place in ((0, 0), (2, 3)):
        for way in (1, 1j) if gradient.is_complex() else (1,):
            changes = [partial(change, place=place, by=s * step * way) for s in (1, -1)]
            with torch.no_grad():
                up, down = (float(replayed(made, batch, at, c)) for c in changes)
            expected = gradient[place].imag if way == 1j else gradient[place].real
            assert B * (up - down) / (2 * step) == pytest.approx(
                float(expected), rel=1e-6, abs=1e-9
            )


def test_the_gradient_of_c_passes_through_the_h_of_its_own_step():
    """h_t = o tanh(c_t): a change of c_t changes h_t, which a tap added after the step misses."""
    made = job("lstm")
    seen, batch = traced(made)

    def change(state, by):
        h, c = state
        more = c.clone()
        more[1, 2] += by
        return (h / c.tanh() * more.tanh(), more)

    with torch.no_grad():
        ends = [float(replayed(made, batch, 2, partial(change, by=by))) for by in (1e-6, -1e-6)]
    slope = B * (ends[0] - ends[1]) / 2e-6
    assert slope == pytest.approx(float(seen.gradients["c"][2, 1, 2]), rel=1e-6)


def test_a_trace_leaves_the_network_alone():
    made = job("urnn")
    before = {name: p.clone() for name, p in made.model.state_dict().items()}
    random = torch.get_rng_state()
    traced(made)
    assert all(torch.equal(before[n], p) for n, p in made.model.state_dict().items())
    assert all(p.grad is None and p.dtype == torch.float32 for p in made.model.parameters())
    assert torch.equal(random, torch.get_rng_state())


class Linear:
    """s' = u A s for every state s and its matrix A, with what a trace needs of a cell."""

    def __init__(self, *matrices):
        self.matrices = matrices

    def drive(self, x, w):  # noqa: ARG002 - part of the interface
        return x

    def step(self, u, state, w):  # noqa: ARG002 - part of the interface
        return tuple(u * s @ a.T for s, a in zip(state, self.matrices, strict=True))


def linear_trace(*matrices, steps=400, drive=(1.0,)):
    cell = Linear(*matrices)
    x = torch.tensor(drive, dtype=torch.float64).repeat(steps // len(drive))
    state = tuple(torch.ones(2, len(a), dtype=torch.float64) for a in matrices)
    initial, states = state, []
    for u in x:
        state = cell.step(u, state, None)
        states.append(state)
    named = {f"s{i}": torch.stack(of) for i, of in enumerate(zip(*states, strict=True))}
    return Trace(cell, None, x, initial, named, named, None)


@pytest.mark.parametrize("leading", [1.0, 0.9, 1.02, 1.5])
def test_the_lyapunov_exponent_of_a_linear_map_is_the_log_of_its_largest_eigenvalue(leading):
    a = torch.diag(torch.tensor([0.5 * leading, leading, 0.3], dtype=torch.float64))
    (found,) = read("lyapunov", linear_trace(a)).values()
    assert float(found) == pytest.approx(log(leading), abs=1e-4)


def test_the_exponent_is_of_all_states_and_the_mean_of_logarithms():
    slow, fast = (torch.eye(2, dtype=torch.float64) * rate for rate in (0.9, 0.5))
    for states in ((slow, fast), (fast, slow)):
        (found,) = read("lyapunov", linear_trace(*states)).values()
        assert float(found) == pytest.approx(log(0.9), abs=1e-4)
    (found,) = read("lyapunov", linear_trace(slow, drive=(1.0, 0.5))).values()
    assert float(found) == pytest.approx(log(0.9) + log(0.5) / 2, abs=1e-4)


class Clocked:
    """h' = r_k h over an image, r_k in turn 0.9 and 0.4, and the clock k: states of any axes."""

    rates = torch.tensor([0.9, 0.4], dtype=torch.float64)
    states = (StateSpec("clock", memory=False), StateSpec("h"))

    def drive(self, x, w):  # noqa: ARG002 - part of the interface
        return x, {"one": torch.ones(len(x), dtype=torch.int64)}

    def step(self, u, state, w):  # noqa: ARG002 - part of the interface
        clock, h = state
        assert clock.dtype in (torch.int64, torch.float64) and h.shape == (2, 1, 2, 2)
        return clock + u[1]["one"], self.rates[clock.long() % 2].view(2, 1, 1, 1) * h


@pytest.mark.parametrize("dtype", [torch.int64, torch.float64])
def test_a_clock_is_neither_perturbed_nor_part_of_the_distance(dtype):
    cell, x = Clocked(), torch.zeros(200, 2)
    # the sequences of a batch begin at different times
    state = initial = (torch.tensor([0, 1]).to(dtype), torch.ones(2, 1, 2, 2).double())
    states = list(iterate_states(cell, x, state, None))
    clock, h = (torch.stack(of) for of in zip(*states, strict=True))
    seen = Trace(cell, None, x, initial, {"h": h.flatten(2)}, {}, None, {0: clock})
    (found,) = read("lyapunov", seen).values()
    assert float(found) == pytest.approx((log(0.9) + log(0.4)) / 2, abs=1e-9)


def test_copies_that_meet_have_no_finite_exponent():
    (found,) = read("lyapunov", linear_trace(torch.zeros(2, 2, dtype=torch.float64))).values()
    assert float(found) == float("-inf")


def test_a_unitary_network_without_bias_keeps_distances():
    (found,) = read("lyapunov", traced(job("urnn"))[0]).values()
    assert float(found) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("fraction", "lag"), [(0.5, 1), (0.1, 3), (0.0, 9)])
def test_the_memory_horizon_is_the_longest_lag_above_the_fraction(fraction, lag):
    """The gradient halves with every step back."""
    size = 0.5 ** torch.arange(10, dtype=torch.float64).flip(0)
    gradient = size[:, None, None].expand(10, 2, 1)
    seen = Trace(None, None, None, (), {"h": gradient}, {"h": gradient}, None)
    assert float(read("memory_horizon", seen, fraction=fraction)["h"]) == lag


@pytest.mark.parametrize(
    ("size", "lag"),
    [
        ((8.0, 1.0, 1.0), 2),
        ((0.1, 8.0, 1.0), 1),
        ((1.0, 1.0, 0.0), None),
        ((float("nan"), 1.0, 1.0), None),
        ((1.0, float("inf"), 1.0), None),
    ],
)
def test_the_horizon_is_measured_by_the_last_gradient(size, lag):
    gradient = torch.tensor(size, dtype=torch.float64)[:, None, None]
    seen = Trace(None, None, None, (), {"h": gradient}, {"h": gradient}, None)
    found = float(read("memory_horizon", seen, fraction=0.5)["h"])
    assert isnan(found) if lag is None else found == lag


def test_norms_are_means_over_the_batch_of_norms_over_units():
    states = torch.tensor([[[3.0, 4.0], [0.0, 1.0]], [[6.0, 8.0], [0.0, 1.0]]]).double()
    seen = Trace(None, None, None, (), {"h": states}, {"h": 2 * states}, None)
    assert read("state_norm", seen)["h"].tolist() == [3.0, 5.5]
    assert read("gradient_norm", seen)["h"].tolist() == [6.0, 11.0]
    assert read("distance_to_last", seen)["h"].tolist() == [2.5, 0.0]
