"""Memories of whole signals, in float64: what their coefficients are and what they give back."""

from math import pi

import pytest
import torch
from scipy.special import roots_legendre

from urnn_bench.cells.base import Cell
from urnn_bench.kernels import memory_reconstruction as basis
from urnn_bench.kernels.discretisation import RULES
from urnn_bench.kernels.memory_operators import legt_to_lmu
from urnn_bench.kernels.time_loop import iterate_states
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components


def make(name, inputs=1, hidden=4, seed=0, **options):
    kind = Components().cells.get(name, Cell)
    with seeded(seed, "init"):
        return kind(inputs, hidden, kind.Options(**options)).double()


@torch.no_grad()
def run(cell, x, state=()):
    """Return the states after every step."""
    first = state or cell.initial_state(x.shape[1])
    return list(iterate_states(cell, x.double(), first, cell.weights()))


def coefficients(signal, order, state=(), **options):
    """Return c of one signal (T) after every step, (T, N)."""
    cell = make("hippo_memory", hidden=order, **options)
    return torch.cat([s[0] for s in run(cell, signal.view(-1, 1, 1), state)])


def noise(steps, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(steps, generator=rng, dtype=torch.float64)


def smooth(steps, period=100.0):
    t = torch.arange(steps, dtype=torch.float64)
    return torch.sin(2 * pi * t / period) + 0.5 * torch.cos(2 * pi * t / (0.7 * period))


def running_means(signal, first):
    """Return the mean of each start of a signal, in which the first sample counts so much."""
    weights = torch.ones_like(signal)
    weights[0] = first
    return (weights * signal).cumsum(0) / weights.cumsum(0)


@pytest.mark.parametrize(
    ("rule", "first"),
    [("backward_euler", 1), ("zero_order_hold", 1), ("bilinear", 0.5)],
)
def test_the_first_coefficient_of_legs_is_the_running_mean(rule, first):
    """By the bilinear rule the first sample counts half."""
    signal = noise(60)
    found = coefficients(signal, 8, discretisation=rule)[:, 0]
    torch.testing.assert_close(found, running_means(signal, first), rtol=0, atol=1e-12)


def test_legs_gives_back_all_of_a_sine():
    t = torch.linspace(0, 6, 400, dtype=torch.float64)
    share = torch.linspace(0, 1, 400, dtype=torch.float64)
    c = coefficients(torch.sin(t), 32)[-1]
    assert (basis.legs(32, share) @ c - torch.sin(t)).square().mean() < 1e-5


def test_legt_gives_back_its_window_and_nothing_before():
    """Its first steps are another signal, which has left the window."""
    signal, order, window = smooth(400), 24, 100
    ago = torch.arange(1, window, dtype=torch.float64)
    # a sample is held for a step, and stands for its middle
    shown = basis.legt(order, (ago + 0.5) / window)
    found = coefficients(signal, order, measure="legt", window=window)
    error = shown @ found[-1] - signal[-1 - ago.long()]
    assert error.square().mean() < 1e-4 * signal.var()
    # a bump that begins and ends softly, 150 steps before the end and then 50
    bump = torch.zeros(400, dtype=torch.float64)
    bump[:60] = torch.hann_window(60, dtype=torch.float64)
    before, within = bump.roll(190), bump.roll(290)
    size = coefficients(within, order, measure="legt", window=window)[-1].norm()
    rest = coefficients(before, order, measure="legt", window=window)[-1].norm()
    assert rest < 0.02 * size


def test_legt_counts_the_time_from_now():
    """A bump 20 steps ago comes back there, and not 80 steps ago."""
    bump = torch.zeros(300, dtype=torch.float64)
    bump[264:295] = torch.hann_window(31, periodic=False, dtype=torch.float64)
    c = coefficients(bump, 32, measure="legt", window=100)[-1]
    remembered = basis.legt(32, torch.tensor([0.2, 0.8], dtype=torch.float64)) @ c
    torch.testing.assert_close(
        remembered, torch.tensor([1.0, 0.0], dtype=torch.float64), rtol=0, atol=0.05
    )


@pytest.mark.parametrize("order", [3, 16])
@pytest.mark.parametrize("rule", RULES)
def test_over_a_sequence_the_lmu_remembers_what_legt_does(order, rule):
    options = {"discretisation": rule, "window": 400.0}
    signal = noise(200)
    of_legt = coefficients(signal, order, measure="legt", **options)
    cell = make("lmu", hidden=2, memory_order=order, start="hippo", **options)
    states = run(cell, signal.view(-1, 1, 1))
    of_lmu = torch.cat([m for _, m in states])
    torch.testing.assert_close(of_lmu, of_legt * legt_to_lmu(order), rtol=1e-9, atol=1e-9)


def test_the_first_coefficient_of_lagt_is_an_exponential_average():
    """The signal by e^-y, y ago, exactly if it is held."""
    signal, window = noise(80), 10
    found = coefficients(signal, 5, measure="lagt", window=window, discretisation="zero_order_hold")
    decay = torch.tensor(-1 / window, dtype=torch.float64).exp()
    ago = torch.arange(79, -1, -1)
    expected = ((1 - decay) * decay**ago * signal).sum()
    torch.testing.assert_close(found[-1, 0], expected, rtol=0, atol=1e-12)


def test_lagt_gives_back_its_recent_past():
    signal, window = smooth(400, 200.0), 20
    ago = torch.arange(1, 60)
    c = coefficients(signal, 24, measure="lagt", window=window)[-1]
    remembered = basis.lagt(24, (ago.double() - 0.5) / window) @ c
    assert (remembered - signal[-1 - ago]).square().mean() < 0.01


def polynomial(t):
    """Return f at a time, of degree 3."""
    x = torch.as_tensor(t, dtype=torch.float64) / 100_000
    return 4 * x**3 - 3 * x + 0.2


def projection(t, order):
    """Return c of the polynomial on [0, t], by Gauss and Legendre."""
    x, weights = (torch.as_tensor(values) for values in roots_legendre(20))
    share = (x + 1) / 2
    return (weights / 2 * polynomial(share * t)) @ basis.legs(order, share)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-6), (torch.float32, 1e-4)])
def test_legs_is_right_at_step_100_000(dtype, close):
    """A thousand steps on from the exact c, by the clock alone."""
    begin, end, order = 99_000, 100_000, 12
    cell = make("hippo_memory", hidden=order).to(dtype)
    times = torch.arange(begin, end, dtype=torch.float64)
    state = (projection(begin, order)[None].to(dtype), torch.full((1, 2), begin, dtype=dtype))
    # a sample is held from the one before, so that it stands for its middle
    x = polynomial(times + 0.5).view(-1, 1, 1).to(dtype)
    with torch.no_grad():
        *_, (c, clock) = iterate_states(cell, x, state, cell.weights())
    assert clock[0].tolist() == [end, end]
    torch.testing.assert_close(c[0].double(), projection(end, order), rtol=0, atol=close)


def test_the_gradient_of_legs_fades_by_the_length_of_the_past():
    """‖∂c_T/∂f_t‖ nears N / T, for a late t later; no power of T, up or down, is in it."""
    order, impulses = 6, torch.zeros(4000, 2, 1, dtype=torch.float64)
    impulses[1, 0] = impulses[3, 1] = 1
    # c is linear in f: what an impulse leaves is the derivative
    states = run(make("hippo_memory", hidden=order), impulses)
    size = torch.stack([s[0].norm(dim=-1) for s in states])
    assert size.max() <= order
    times = torch.tensor([2000.0, 3999.0], dtype=torch.float64)
    products = size[times.long()] * times[:, None]
    torch.testing.assert_close(products, torch.full_like(products, order), rtol=0.05, atol=0)
    slope = (size[3999] / size[2000]).log() / (times[1] / times[0]).log()
    torch.testing.assert_close(slope, torch.full_like(slope, -1), rtol=0.03, atol=0)


def gated_by_hand(cell, xs, *, memory_first):
    """Return h after each of some steps of hippo_legt from its equations, one at a time."""
    a, b = cell.memory.a, cell.memory.b
    h, c = torch.zeros(4, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    hs = []
    for x in xs:
        if memory_first:
            c = a @ c + b * (cell.w_f[0] @ torch.cat([x, h]) + cell.bias_f)
        seen = torch.cat([x, c])
        g = torch.sigmoid(cell.w_g @ seen + cell.bias_g)
        h = (1 - g) * h + g * torch.tanh(cell.w_n @ seen + cell.bias_n)
        if not memory_first:
            c = a @ c + b * (cell.w_f[0] @ h + cell.bias_f)
        hs.append(h)
    return torch.stack(hs), c


@pytest.mark.parametrize("wiring", ["released", "paper"])
def test_two_steps_of_each_wiring_by_hand(wiring):
    cell = make("hippo_legt", inputs=2, memory_order=3, wiring=wiring)
    x = noise(4).view(2, 1, 2)
    states = run(cell, x)
    with torch.no_grad():
        h, c = gated_by_hand(cell, x[:, 0], memory_first=wiring == "released")
    torch.testing.assert_close(torch.cat([s[0] for s in states]), h, rtol=0, atol=1e-13)
    torch.testing.assert_close(states[-1][1][0], c, rtol=0, atol=1e-13)


def test_the_lmu_of_the_hippo_paper_sees_its_input_through_the_memory_alone():
    cell = make("lmu", inputs=2, hidden=5, memory_order=3, start="hippo")
    assert not any(w.any() for w in (cell.e_h, cell.e_m, cell.w_x, cell.w_h))
    with torch.no_grad():
        cell.e_x.copy_(torch.tensor([[1.0, 2.0]]))
    for h, m in run(cell, noise(12).view(3, 2, 2)):
        torch.testing.assert_close(h, torch.tanh(m @ cell.w_m.T), rtol=0, atol=1e-14)
    # a change of x that e_x does not see
    x = noise(12, 1).view(3, 2, 2)
    unseen = torch.tensor([2.0, -1.0], dtype=torch.float64)
    for (h, _), (same, _) in zip(run(cell, x), run(cell, x + unseen), strict=True):
        torch.testing.assert_close(h, same, rtol=0, atol=1e-14)


GATED = ("hippo_legs", "hippo_legt", "hippo_lagt", "hippo_rand", "lmu")


def timed(name, times, x, **options):
    """Return h over time of a cell that sees the times (T, B) beside x (T, B)."""
    cell = make(name, inputs=2, timestamps=True, seed=1, **options)
    return torch.stack([s[0] for s in run(cell, torch.stack([times, x], -1))])


def two_signals(steps=12):
    return torch.stack([noise(steps, 1), noise(steps, 2)], 1)


def uneven_times(steps=12):
    """Return the times of two sequences, (T, 2)."""
    rng = torch.Generator().manual_seed(7)
    return (0.2 + torch.rand(steps, 2, generator=rng, dtype=torch.float64)).cumsum(0)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("moved", [lambda t: 7.5 * t, lambda t: t + 100, lambda t: 0.01 * t - 3])
def test_legs_has_no_unit_of_time(rule, moved):
    times, x = uneven_times(), two_signals()
    options = {"discretisation": rule}
    before, after = (
        timed("hippo_legs", times, x, **options),
        timed("hippo_legs", moved(times), x, **options),
    )
    torch.testing.assert_close(after, before, rtol=0, atol=1e-11)


def test_legt_has_a_unit_of_time():
    times, x = uneven_times(), two_signals()
    a, b = (timed("hippo_legt", scale * times, x, window=5.0) for scale in (1, 3))
    assert (a - b).abs().max() > 1e-3


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("first", [0, 1])
def test_times_a_unit_apart_are_no_times(name, first):
    """0, 1, 2, ... and 1, 2, 3, ... give what the cell gives without times."""
    x = two_signals()
    times = (torch.arange(12, dtype=torch.float64) + first)[:, None].expand(12, 2)
    cell = make(name, seed=1)
    untimed = torch.stack([s[0] for s in run(cell, x.unsqueeze(-1))])
    torch.testing.assert_close(timed(name, times, x), untimed, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", GATED)
def test_sequences_with_other_times_are_each_as_if_alone(name):
    times, x = uneven_times(), two_signals()
    times[:, 1] = 3 * times[:, 1] - 2
    # two samples at the same time, the first of one sequence alone
    times[1, 1] = times[0, 1]
    together = timed(name, times, x)
    for i in range(2):
        alone = timed(name, times[:, i : i + 1], x[:, i : i + 1])
        torch.testing.assert_close(together[:, i : i + 1], alone, rtol=0, atol=1e-10)
