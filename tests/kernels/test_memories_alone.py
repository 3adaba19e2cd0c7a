"""Kernels of memories alone: LegS several steps at a time, and pieces of even steps."""

import pytest
import torch

from urnn_bench.cells.hippo_memory import HippoMemory
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.native.legs import legs
from urnn_bench.kernels.time_loop import unroll

MEASURES = {"c": "legs", "pieces": "legt"}
RULES = ["bilinear", "forward_euler", "backward_euler"]


def make(order, inputs=1, **options):
    cell = HippoMemory(inputs, order * inputs, HippoMemory.Options(**options)).double()
    return cell, cell.weights()


def noise(steps, batch, inputs=1):
    rng = torch.Generator().manual_seed(3)
    return torch.randn(steps, batch, inputs, generator=rng, dtype=torch.float64)


def kernel_of(cell, name):
    kernel = cell.kernels[name]
    if reason := kernel.unavailable_reason(cell, "cpu"):
        pytest.skip(reason)
    return kernel


def assert_equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 8, 9, 15, 16, 17, 33, 300])
@pytest.mark.parametrize("order", [1, 2, 5, 9])
def test_equals_the_time_loop(name, rule, steps, order):
    cell, w = make(order, inputs=2, measure=MEASURES[name], discretisation=rule)
    kernel, x, state = kernel_of(cell, name), noise(steps, 3, 2), cell.initial_state(3)
    # Euler's rule grows without bound for LegS; the first coefficients of all rules are compared
    hs, last = unroll(cell, x, state, w)
    scale = hs.abs().amax(dim=(0, 1)).clamp(min=1)
    found_hs, found_last = kernel.run(cell, x, state, w)
    assert_equal(found_hs / scale, hs / scale)
    for found in (found_last, kernel.last_state(cell, x, state, w)):
        assert_equal(found[0] / scale, last[0] / scale)
        assert all(map(torch.equal, found[1:], last[1:]))


@pytest.mark.parametrize("name", MEASURES)
def test_a_sequence_may_be_cut_anywhere(name):
    cell, w = make(6, measure=MEASURES[name])
    kernel, x, state = kernel_of(cell, name), noise(50, 2), cell.initial_state(2)
    whole = kernel.last_state(cell, x, state, w)
    for cut in (1, 8, 31):
        middle = kernel.last_state(cell, x[:cut], state, w)
        parts = kernel.last_state(cell, x[cut:], middle, w)
        assert all(map(torch.allclose, parts, whole))


def test_rows_may_be_at_different_times():
    """Each row by itself: one that begins, and one that is a hundred thousand samples in."""
    cell, w = make(6)
    kernel, x = kernel_of(cell, "c"), noise(11, 2)
    c, clock = cell.initial_state(2)
    state = (c + torch.tensor([[0.0], [0.5]]), clock + torch.tensor([[0.0], [100_000.0]]))
    found, expected = kernel.run(cell, x, state, w), unroll(cell, x, state, w)
    assert_equal(found[0], expected[0])
    assert_equal(found[1], expected[1])
    assert found[1][1][:, 0].tolist() == [10.0, 100_010.0]


def test_the_first_coefficient_of_a_long_signal_is_its_mean():
    """No table ends: after 100,000 samples LegS still weighs all of them alike."""
    cell, w = make(8, discretisation="backward_euler")
    kernel, x = kernel_of(cell, "c"), noise(100_000, 1)
    c, _ = kernel.last_state(cell, x, cell.initial_state(1), w)
    assert float(c[0, 0]) == pytest.approx(float(x.mean()), rel=1e-8)


def test_nan_passes():
    cell, w = make(6)
    kernel, x = kernel_of(cell, "c"), noise(40, 2)
    x[5, 1] = torch.nan
    hs, _ = kernel.run(cell, x, cell.initial_state(2), w)
    assert hs[:, 0].isfinite().all() and hs[:5].isfinite().all() and hs[5:, 1].isnan().all()


def test_a_gradient_to_the_signal_is_that_of_the_time_loop():
    cell, w = make(5)
    kernel, x = kernel_of(cell, "c"), noise(9, 2)

    def gradient(run):
        signal = x.clone().requires_grad_()
        run(signal)[0].square().sum().backward()
        return signal.grad

    state = cell.initial_state(2)
    expected = gradient(lambda signal: unroll(cell, signal, state, w))
    assert_equal(gradient(lambda signal: kernel.run(cell, signal, state, w)), expected)
    expected = gradient(lambda signal: unroll(cell, signal, state, w)[1])
    assert_equal(gradient(lambda signal: kernel.last_state(cell, signal, state, w)), expected)


def test_single_precision_is_near_double():
    cell, _ = make(32)
    kernel_of(cell, "c")
    f = noise(2000, 1)[..., 0]
    share = 1 / torch.arange(2000, dtype=torch.float64)[:, None]
    c = torch.zeros(1, 32, dtype=torch.float64)
    exact = legs(f, share, c, 0.5, keep=False).last
    rounded = legs(f.float(), share.float(), c.float(), 0.5, keep=False).last
    assert float((rounded - exact).norm() / exact.norm()) < 1e-4


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ({}, "c"),
        ({"discretisation": "zero_order_hold"}, "eager"),
        ({"measure": "legt"}, "pieces"),
        ({"measure": "lagt", "discretisation": "zero_order_hold"}, "pieces"),
        ({"measure": "random_scaled"}, "eager"),
    ],
)
def test_the_kernel_follows_from_the_options(options, kernel):
    cell, _ = make(4, **options)
    if kernel == "c":
        kernel_of(cell, "c")
    assert choose(cell, "cpu", "auto").name == kernel


def test_the_network_reads_the_last_state_where_no_other_is_wanted(bench):
    """The scores are those of the time loop, which makes h over time."""
    bench.write(
        "benchmarks/alone.yaml",
        "title: memory\ntask: {name: adding, validation_examples: 20, test_examples: 40}\n"
        "T: 30\nhidden: 8\nreadout: ridge\nmodels: {hippo_memory: }\nfit: {steps: 4, batch: 10}\n",
    )
    scores = []
    for kernel in ("auto", "eager"):
        bench("run", "alone", "--kernel", kernel, "--results", f"results-{kernel}", "-q")
        (path,) = bench.folder.glob(f"results-{kernel}/alone/*/metrics.csv")
        scores.append(float(path.read_text().splitlines()[-1].split(",")[-1]))
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)
