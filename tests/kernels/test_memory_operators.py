"""The operators of polynomial memories, and their bases, say of a signal what their papers say."""

import numpy as np
import pytest
import torch
from scipy.signal import cont2discrete
from scipy.special import eval_genlaguerre, eval_legendre, roots_legendre

from urnn_bench.kernels import memory_reconstruction as basis
from urnn_bench.kernels.discretisation import RULES
from urnn_bench.kernels.memory_operators import (
    lagt,
    legs,
    legt,
    legt_to_lmu,
    lmu,
    random_scaled,
)
from urnn_bench.random_streams import seeded

EXACT = {"rtol": 0, "atol": 1e-12}


def column(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_legs_of_order_4_is_the_matrix_of_its_formula():
    a, b = legs(4)
    s = column(1, 3, 5, 7).sqrt()
    rows = ((-1, 0, 0, 0), (-1, -2, 0, 0), (-1, -1, -3, 0), (-1, -1, -1, -4))
    diagonal = torch.diag(s**-2) + torch.ones(4, 4) - torch.eye(4)
    torch.testing.assert_close(a, column(*rows) * torch.outer(s, s) * diagonal, **EXACT)
    expected = ((-1, 0, 0, 0), (-1.732, -2, 0, 0), (-2.236, -3.873, -3, 0))
    torch.testing.assert_close(a[:3], column(*expected), rtol=0, atol=5e-4)
    torch.testing.assert_close(a[3], column(-2.646, -4.583, -5.916, -4), rtol=0, atol=5e-4)
    torch.testing.assert_close(b, s, **EXACT)


@pytest.mark.parametrize("order", [1, 2, 7, 64])
def test_the_lmu_is_legt_in_another_basis(order):
    (a, b), d, (a_lmu, b_lmu) = legt(order), legt_to_lmu(order), lmu(order)
    torch.testing.assert_close(d[:, None] * a / d, a_lmu, rtol=1e-13, atol=0)
    torch.testing.assert_close(d * b, b_lmu, rtol=1e-13, atol=0)
    ago = torch.linspace(0, 1, 9, dtype=torch.float64)
    torch.testing.assert_close(
        basis.lmu(order, ago) * d, basis.legt(order, ago), rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("order", [1, 2, 5, 256])
def test_polynomials_are_those_of_scipy(order):
    x = torch.linspace(-1, 1, 41, dtype=torch.float64)
    y = torch.linspace(0, 9, 19, dtype=torch.float64)
    n = np.arange(order)
    expected = torch.as_tensor(eval_legendre(n, x.numpy()[:, None]))
    torch.testing.assert_close(basis.legendre(order, x), expected, rtol=0, atol=1e-12)
    for alpha in (0.0, 0.5):
        expected = torch.as_tensor(eval_genlaguerre(n, alpha, y.numpy()[:, None]))
        expected = expected * torch.exp(-y / 2)[:, None]
        found = basis.weighted_laguerre(order, y, alpha)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def gauss(points=60):
    """Return the times and weights of an integral from 0 to 1."""
    x, weights = map(torch.as_tensor, roots_legendre(points))
    return (x + 1) / 2, weights / 2


POLYNOMIALS = {
    "cubic": lambda x: x**3 - 2 * x + 0.5,
    "square": lambda x: (3 * x - 1) ** 2,
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_the_coefficients_of_a_polynomial_solve_legs(name):
    """t c' = A c + B f, c projected directly at three times; what c gives back is f."""
    f, order, (x, weights) = POLYNOMIALS[name], 8, gauss()
    at = {t: (weights * f(t * x)) @ basis.legs(order, x) for t in (0.7, 0.7 - 1e-5, 0.7 + 1e-5)}
    slope = (at[0.7 + 1e-5] - at[0.7 - 1e-5]) / 2e-5
    a, b = legs(order)
    torch.testing.assert_close(0.7 * slope, a @ at[0.7] + b * f(0.7), rtol=0, atol=1e-8)
    torch.testing.assert_close(basis.legs(order, x) @ at[0.7], f(0.7 * x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", POLYNOMIALS)
@pytest.mark.parametrize(("operator", "shown"), [(legt, basis.legt), (lmu, basis.lmu)])
def test_the_coefficients_of_a_window_solve_legt_and_the_lmu(name, operator, shown):
    f, order, theta = POLYNOMIALS[name], 8, 0.4
    x, weights = gauss()
    norm = torch.ones(order) if operator is legt else legt_to_lmu(order).square()

    def c(t):
        return (weights * f(t - theta * x)) @ shown(order, x) * norm

    slope, (a, b) = (c(0.7 + 1e-5) - c(0.7 - 1e-5)) / 2e-5, operator(order)
    torch.testing.assert_close(theta * slope, a @ c(0.7) + b * f(0.7), rtol=0, atol=1e-7)
    torch.testing.assert_close(shown(order, x) @ c(0.7), f(0.7 - theta * x), rtol=0, atol=1e-12)


def far_back():
    """Return the times and weights of an integral from 0 to 120, dense at 0, where y^α bends."""
    x, weights = gauss(300)
    return 120 * x**4, 480 * x**3 * weights


def projections(order, y, alpha, beta):
    """Return e^(-(1 + β) y / 2) L_n(y) over its norm: LagT's c are the integrals of f and these."""
    n = torch.arange(order, dtype=torch.float64)
    norm = torch.exp((torch.lgamma(n + alpha + 1) - torch.lgamma(n + 1)) / 2)
    values = basis.weighted_laguerre(order, y, alpha) / norm
    return torch.exp(-beta * y / 2)[:, None] * values


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 1.0), (0.0, 0.0), (0.5, 1.0), (0.3, 0.2)])
def test_coefficients_under_an_exponential_measure_solve_lagt(alpha, beta):
    order, (y, weights) = 6, far_back()
    functions = projections(order, y, alpha, beta)

    def f(t):
        return torch.cos(0.7 * torch.as_tensor(t, dtype=torch.float64)) + 0.3

    def c(t):
        return (weights * f(t - y)) @ functions

    slope, (a, b) = (c(1 + 1e-5) - c(1 - 1e-5)) / 2e-5, lagt(order, alpha, beta)
    torch.testing.assert_close(slope, a @ c(1) + b * f(1.0), rtol=0, atol=1e-8)


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 1.0), (0.0, 0.0), (0.5, 1.0), (0.3, 0.2)])
def test_what_lagt_gives_back_has_the_coefficients_that_it_was_made_of(alpha, beta):
    """The projection of a remembered signal is c again, for every α and β."""
    order, (y, weights) = 6, far_back()
    functions = weights[:, None] * projections(order, y, alpha, beta)
    again = functions.T @ basis.lagt(order, y, alpha, beta)
    torch.testing.assert_close(again, torch.eye(order, dtype=torch.float64), rtol=0, atol=1e-8)


@pytest.mark.parametrize("operator", [legs, legt, lmu, lagt])
@pytest.mark.parametrize(
    ("name", "method", "alpha"),
    [
        ("forward_euler", "euler", None),
        ("bilinear", "bilinear", None),
        ("backward_euler", "backward_diff", None),
        ("zero_order_hold", "zoh", None),
    ],
)
def test_a_step_is_scipys(operator, name, method, alpha):
    a, b = operator(6)
    system = (a.numpy(), b.numpy()[:, None], a.numpy(), b.numpy()[:, None])
    step_a, step_b, *_ = cont2discrete(system, 0.05, method=method, alpha=alpha)
    found = RULES[name].step(operator(6), 0.05)
    torch.testing.assert_close(found.a, torch.as_tensor(step_a), rtol=0, atol=1e-12)
    torch.testing.assert_close(found.b, torch.as_tensor(step_b[:, 0]), rtol=0, atol=1e-12)


def error(rule, steps):
    """Return how far LegT is from the exact c at t = 1 of the signal 1."""
    operator, c = legt(5), torch.zeros(5, dtype=torch.float64)
    for _ in range(steps):
        step = rule.step(operator, 1 / steps)
        c = step.a @ c + step.b
    a, b = operator
    exact = torch.linalg.solve(a, (torch.linalg.matrix_exp(a) - torch.eye(5)) @ b)
    return float((c - exact).norm())


@pytest.mark.parametrize(
    ("name", "order"), [("forward_euler", 1), ("backward_euler", 1), ("bilinear", 2)]
)
def test_a_rule_has_its_order(name, order):
    """Half the step: half the error of Euler's rules, a quarter of the bilinear one."""
    coarse, fine = (error(RULES[name], steps) for steps in (200, 400))
    assert coarse / fine == pytest.approx(2**order, rel=0.1)


def test_a_held_signal_is_exact_by_zero_order_hold():
    assert error(RULES["zero_order_hold"], 3) < 1e-12


@pytest.mark.parametrize("operator", [legs, legt, lmu, lagt])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_each_row_advances_over_its_own_interval(operator, rule):
    """The step of many rows is the step of each alone, by the matrices of its interval."""
    rng = torch.Generator().manual_seed(0)
    c = torch.randn(3, 6, generator=rng, dtype=torch.float64)
    f = torch.randn(3, 1, generator=rng, dtype=torch.float64)
    intervals = column(0.01, 0.1, 0.4)[:, None]
    found = rule.advance(operator(6), intervals, c, f)
    for i, interval in enumerate(intervals[:, 0].tolist()):
        step = rule.step(operator(6), interval)
        torch.testing.assert_close(found[i], step.a @ c[i] + step.b * f[i], **EXACT)


@pytest.mark.parametrize("seed", range(5))
def test_a_scaled_random_memory_begins_at_the_scale_of_its_signal(seed):
    """After its first sample c is -A⁻¹ B f, which must not be near a pole of A."""
    with seeded(seed, "init"):
        operator = random_scaled(64)
    first = torch.linalg.solve(operator.a, operator.b)
    assert float(first.abs().max()) < 5
    assert float(torch.linalg.eigvals(operator.a).real.max()) < -0.5
