"""What a linear readout gives back of the past: all, a window or nothing, as the memory has it."""

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.kernels import memory_reconstruction as basis
from urnn_bench.kernels.time_loop import iterate_states
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.probes.reconstruction import recovered
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components

T, N = 200, 24


def traced(name="hippo_memory", inputs=1, hidden=N, steps=T, **options):
    """Return what the probe needs of the trace of a cell."""
    kind = Components().cells.get(name, Cell)
    with seeded(0, "init"):
        cell = kind(inputs, hidden, kind.Options(**options)).double()
    x = torch.zeros(steps, 2, inputs, dtype=torch.float64)
    initial = cell.initial_state(2)
    others = {i: initial[i] for i, state in enumerate(cell.states) if not state.memory}
    return Trace(cell, cell.weights(), x, initial, {}, {}, None, others)


def read(trace, **options):
    kind = Components().probes.get("reconstruction", Probe)
    return kind(kind.Options(**options)).read(trace)


def last_c(trace, signal):
    """Return c after a whole signal (T)."""
    cell, x = trace.cell, signal.view(-1, 1, 1)
    return list(iterate_states(cell, x, cell.initial_state(1), trace.weights))[-1][0][0]


def test_legs_gives_back_all_of_its_past_at_any_time():
    found = read(traced(), band_limit=0.03)
    for part, end in ((25, T // 4), (50, T // 2), (100, T)):
        r2 = found[f"r2_at_{part}"]
        assert r2[:end].min() > 0.98 and r2[end:].isnan().all()


def test_the_regression_of_legs_is_its_closed_form():
    trace = traced()
    found = read(trace, band_limit=0.03)
    signal, given_back = found["signal"], found["signal_at_100"]
    share = (torch.arange(T, dtype=torch.float64) + 0.5) / T
    closed_form = basis.legs(N, share) @ last_c(trace, signal)
    inner = slice(T // 10, -T // 10)
    torch.testing.assert_close(closed_form[inner], signal[inner], rtol=0, atol=0.1)
    torch.testing.assert_close(given_back[inner], closed_form[inner], rtol=0, atol=0.1)


@pytest.mark.parametrize("window", [50, 100])
def test_legt_gives_back_its_window_and_nothing_before(window):
    found = read(traced(measure="legt", window=window, hidden=40), band_limit=0.2)
    r2 = found["r2_at_100"]
    assert r2[T - window + 8 :].min() > 0.95
    assert r2[: T - window - 20].max() < 0.3


def test_an_average_gives_back_less_the_older_a_sample_is():
    """One state holds one number."""
    r2 = read(traced("hippo_memory", hidden=1, measure="lagt", window=5), band_limit=0.2)
    recent = r2["r2_at_100"]
    assert recent[-10:].max() > 0.5 and recent[: T // 2].max() < 0.1


@pytest.mark.parametrize(
    ("name", "options"), [("urnn", {}), ("lstm", {}), ("hippo_legs", {"timestamps": True})]
)
def test_reads_all_states_of_any_cell(name, options):
    found = read(traced(name, inputs=2, hidden=6, steps=20, **options), signals=30)
    assert found["r2_at_100"].max() > 0.2
    assert all(len(curve) == 20 for curve in found.values())


def test_times_are_times_and_the_signal_is_the_next_input():
    """Times 0, 1, 2, ... are no times: the same weights read the same signal."""
    timed, untimed = traced("hippo_legs", 2, 6, 20, timestamps=True), traced("hippo_legs", 1, 6, 20)
    for name, curve in read(timed, signals=30).items():
        torch.testing.assert_close(
            curve, read(untimed, signals=30)[name], rtol=0, atol=1e-5, equal_nan=True
        )


def test_a_cell_that_forgets_gives_back_nothing():
    trace = traced("rnn", hidden=3, steps=20)
    with torch.no_grad():
        for parameter in trace.cell.parameters():
            parameter.zero_()
    found = read(trace)
    assert found["r2_at_100"].abs().max() < 0.1 and found["signal_at_100"].abs().max() < 0.5


@pytest.mark.parametrize(("size", "r2"), [(1e-2, 1.0), (1e-7, 0.0)])
def test_what_rounding_would_hide_is_not_read(size, r2):
    """A sample that a state holds beside something else, at a fraction of its size."""
    rng = torch.Generator().manual_seed(0)
    other, target = torch.randn(2, 256, 1, generator=rng, dtype=torch.float64)
    _, found = recovered(torch.cat([other, size * target], 1), target, 192)
    assert float(found) == pytest.approx(r2, abs=0.05)


def test_states_that_diverge_have_no_reading():
    trace = traced("rnn", hidden=3, steps=20)
    with torch.no_grad():
        for parameter in trace.cell.parameters():
            parameter.fill_(torch.nan)
    found = read(trace, signals=30)
    assert found["r2_at_100"].isnan().all() and found["signal"].isfinite().all()


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_quarter_of_few_steps_is_one(steps):
    found = read(traced("rnn", hidden=3, steps=steps))
    assert all(curve.shape == (steps,) for curve in found.values())
    assert found["r2_at_25"][0] > 0.9 and found["r2_at_25"][1:].isnan().all()


def test_signals_are_no_longer_than_asked_for():
    found = read(traced(steps=60), steps=40)
    for curve in (found["signal"], found["r2_at_100"]):
        assert curve[:40].isfinite().all() and curve[40:].isnan().all() and len(curve) == 60
