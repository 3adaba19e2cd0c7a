"""Linear memory capacity: cells whose capacity is known at every lag, and what bounds it."""

import numpy as np
import pytest
import torch

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.probes import memory_capacity
from urnn_bench.probes._linear_recall import covariances, squared_correlations
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components
from urnn_bench.spec.types import Config

T = 40


class Linear(Cell):
    """h' = W h + v x, as a user writes it."""

    w: torch.Tensor

    def __init__(self, w, v, inputs=1):
        super().__init__(inputs, len(w), Config())
        dtype = torch.promote_types(w.dtype, torch.float64)
        self.w, self.v = torch.nn.Buffer(w.to(dtype)), torch.nn.Buffer(v.to(dtype))

    def weights(self):
        return (self.w, self.v)

    def drive(self, x, w):
        return x[..., :1] * w[1]

    def step(self, u, state, w):
        return (state[0] @ w[0].T + u,)

    def initial_state(self, batch):
        return (self.w.new_zeros(batch, self.hidden),)


class Turning(Linear):
    """A delay line that turns its units by a place more at every step, as its clock says."""

    states = (StateSpec("h"), StateSpec("clock", memory=False))

    def step(self, u, state, w):
        h, clock = state
        count = int(clock[0, 0])
        held = super().step(u, (h.roll(-count, 1),), w)[0]
        return held.roll(count + 1, 1), clock + 1

    def initial_state(self, batch):
        return (*super().initial_state(batch), torch.zeros(batch, 1, dtype=torch.long))


def delay_line(n):
    """The first unit holds the input, every other one what the one before held."""
    return Linear(torch.eye(n).roll(1, 0).tril(-1), torch.eye(n)[0])


def ring(n, radius):
    """A ring reservoir: a cyclic shift times the radius, with random input weights."""
    with seeded(0, "ring"):
        return Linear(radius * torch.eye(n).roll(1, 0), torch.randn(n))


def traced(cell, inputs=1, steps=T):
    """Return what the probe needs of the trace of a cell."""
    x = torch.zeros(steps, 2, inputs, dtype=torch.float64)
    initial = cell.initial_state(2)
    others = {i: initial[i] for i, state in enumerate(cell.states) if not state.memory}
    return Trace(cell, cell.weights(), x, initial, {}, {}, None, others)


def built(name, inputs=1, hidden=12, **options):
    """Return a cell of the package in float64."""
    kind = Components().cells.get(name, Cell)
    with seeded(0, "init"):
        return kind(inputs, hidden, kind.Options(**options)).double()


def read(cell, steps=T, **options):
    kind = Components().probes.get("memory_capacity", Probe)
    return kind(kind.Options(**options)).read(traced(cell, cell.inputs, steps))


@pytest.mark.parametrize("n", [1, 5, 20])
def test_a_delay_line_recalls_what_it_holds_and_nothing_more(n):
    """Of its n units, the first holds the input of the same step, which does not count."""
    found = read(delay_line(n))
    mc = found["capacity"]
    torch.testing.assert_close(mc[: n - 1], torch.ones(n - 1, dtype=mc.dtype), rtol=0, atol=1e-6)
    assert mc[n - 1 :].max() < 0.01
    assert float(found["total"]) == pytest.approx(n - 1, abs=0.05) and found["bound"] == n


@pytest.mark.parametrize(("n", "radius"), [(5, 0.9), (8, 0.95), (3, 0.8)])
def test_a_ring_recalls_as_its_closed_form_says(n, radius):
    """Lags k, k + n, k + 2n, ... come in one direction of the states, in shares of their powers.

    The sum without k = 0 is n - 1 + radius²ⁿ (Rodan and Tiňo 2011, IEEE TNN 22, theorem 1).
    """
    k = torch.arange(1, 101, dtype=torch.float64)
    expected = (1 - radius ** (2 * n)) * radius ** (2 * n * (k // n))
    found = read(ring(n, radius), steps=100, samples=60_000, test_samples=60_000)
    torch.testing.assert_close(found["capacity"], expected, rtol=0, atol=0.015)
    total = n - 1 + radius ** (2 * n)
    assert float(expected.sum()) == pytest.approx(total, abs=2e-3)
    assert float(found["total"]) == pytest.approx(total, abs=0.1)


@pytest.mark.parametrize("n", [4, 16])
def test_a_linear_reservoir_recalls_no_more_than_its_units(n):
    with seeded(1, "reservoir"):
        w = torch.randn(n, n)
        cell = Linear(0.95 * w / torch.linalg.eigvals(w).abs().max(), torch.randn(n))
    total = float(read(cell, steps=100)["total"])
    assert n / 2 < total < n + 0.2


def test_a_cell_without_memory_recalls_nothing():
    found = read(Linear(torch.zeros(6, 6), torch.ones(6)))
    assert found["capacity"].max() < 0.01 and float(found["total"]) < 2.5 * T / 2500


def test_few_samples_do_not_make_up_a_memory():
    """On the samples of the fit, twenty features would explain a tenth of two hundred."""
    found = read(ring(20, 0.5), steps=100, samples=200, test_samples=5000)
    assert 0.5 / 5000 < found["capacity"][60:].mean() < 2 / 5000


def test_units_that_never_change_recall_nothing():
    assert float(read(Linear(torch.zeros(3, 3), torch.zeros(3)))["total"]) == 0


def test_states_that_turn_with_a_clock_are_read_at_one_step():
    """At any step they hold what the delay line holds, in other places at each."""
    line = delay_line(5)
    found, held = read(Turning(line.w, line.v)), read(line)
    torch.testing.assert_close(found["capacity"], held["capacity"], rtol=0, atol=0.01)
    assert found["bound"] == 5


def test_a_complex_state_is_two_real_numbers():
    """Every second unit of this delay line is imaginary."""
    line = delay_line(4)
    found = read(Linear(1j * line.w, line.v))
    assert found["bound"] == 8 and float(found["total"]) == pytest.approx(3, abs=0.05)


def test_the_states_mixed_are_as_good_and_so_is_a_louder_input():
    plain = ring(6, 0.9)
    with seeded(2, "mixing"):
        mixing = torch.randn(6, 6, dtype=torch.float64)
    mixed = Linear(mixing @ plain.w @ mixing.inverse(), mixing @ plain.v)
    expected = read(plain)["capacity"]
    torch.testing.assert_close(read(mixed)["capacity"], expected, rtol=0, atol=1e-3)
    louder = read(plain, amplitude=7.0)["capacity"]
    torch.testing.assert_close(louder, expected, rtol=0, atol=1e-6)


def test_an_echo_state_network_recalls_less_of_a_louder_input():
    """Where tanh is nearly linear, it recalls more."""
    cell = built("echo_state", hidden=40)
    quiet, loud = (float(read(cell, amplitude=a)["total"]) for a in (0.1, 3.0))
    assert 40 > quiet > loud + 2 > 4


def test_what_rounding_would_hide_is_not_recalled():
    """A delay line whose second unit is one part in a million of the first."""
    w = torch.zeros(2, 2)
    w[1, 0] = 1e-6
    cell = Linear(w, torch.tensor([1.0, 0.0]))
    assert read(cell)["capacity"][0] < 0.01
    assert read(cell, precision=1e-7)["capacity"][0] > 0.95


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("urnn", {}),
        ("lstm", {}),
        ("hippo_legs", {"timestamps": True}),
        ("lmu", {}),
        ("sr_lstm", {}),
    ],
)
def test_reads_all_states_of_any_cell(name, options):
    found = read(built(name, inputs=2, hidden=6, **options))
    assert float(found["total"]) > 0.4 and len(found["capacity"]) == T
    assert found["total"] < found["bound"] + 0.2


def test_times_are_times_and_the_signal_is_the_next_input():
    """Times 0, 1, 2, ... are no times: the same weights read the same signal."""
    timed = built("hippo_legs", 2, 6, timestamps=True)
    untimed = built("hippo_legs", 1, 6)
    torch.testing.assert_close(
        read(timed)["capacity"], read(untimed)["capacity"], rtol=0, atol=1e-4
    )


def test_states_that_diverge_have_no_capacity():
    found = read(Linear(torch.full((2, 2), torch.nan), torch.ones(2)))
    assert found["capacity"].isnan().all() and found["total"].isnan()


def test_lags_are_no_longer_than_the_sequences_or_asked_for():
    line = delay_line(30)
    assert float(read(line, steps=10)["total"]) == pytest.approx(10, abs=1e-3)
    found = read(line, lags=4)
    assert found["capacity"][:4].min() > 0.99 and found["capacity"][4:].isnan().all()
    assert float(found["total"]) == pytest.approx(4, abs=1e-3)


def test_sequences_in_parts_give_the_same(monkeypatch):
    cell = built("echo_state")
    whole = read(cell)["capacity"]
    monkeypatch.setattr(memory_capacity, "_NUMBERS", 30_000)
    torch.testing.assert_close(read(cell)["capacity"], whole, rtol=0, atol=1e-9)


def by_definition(fit, test, precision):
    """Return the squared correlations with a hat matrix for every penalty, target by target."""
    (x, ys), (test_x, test_ys) = [[part.numpy() for part in parts] for parts in (fit, test)]
    size, n = np.mean(x**2), len(x)
    centred, found = x - x.mean(0), []
    for y, test_y in zip(ys.T, test_ys.T, strict=True):
        y, errors = y - y.mean(), {}
        for share in 10 ** np.arange(2 * np.log10(precision), 4, 0.5):
            inverse = np.linalg.inv(centred.T @ centred + n * share * size * np.eye(x.shape[1]))
            hat = centred @ inverse @ centred.T
            weight, left = inverse @ centred.T @ y, 1 - (1 + np.trace(hat)) / n
            errors[np.mean((y - hat @ y) ** 2) / left**2] = weight
        weight = errors[min(errors)]
        recalled = test_x @ weight
        noise = precision**2 * np.mean(test_x**2) * weight @ weight
        r2 = np.corrcoef(recalled, test_y)[0, 1] ** 2
        found.append(r2 * recalled.var() / (recalled.var() + noise))
    return torch.tensor(found)


@pytest.mark.parametrize("precision", [1e-4, 0.3])
def test_moments_give_what_the_samples_give(precision):
    rng = torch.Generator().manual_seed(0)
    mixing = torch.randn(6, 4, generator=rng, dtype=torch.float64)
    sizes = torch.tensor([1.0, 0.1, 3.0, 1e-3], dtype=torch.float64)

    def samples(count):
        y = torch.randn(count, 6, generator=rng, dtype=torch.float64)
        noise = torch.randn(count, 4, generator=rng, dtype=torch.float64)
        return 2 + sizes * (y @ mixing + 0.3 * noise), y

    fit, test = samples(120), samples(80)
    halves = [(fit[0][:50], fit[1][:50]), (fit[0][50:], fit[1][50:])]
    found = squared_correlations(covariances(halves), covariances([test]), precision)
    torch.testing.assert_close(found, by_definition(fit, test, precision), rtol=1e-6, atol=1e-9)
