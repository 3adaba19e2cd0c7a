"""The Mackey-Glass series: its equation, its solver, and sequences that are alike at every step."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from urnn_bench.random_streams import generator
from urnn_bench.tasks._mackey_glass import line, sampled, segments, series
from urnn_bench.tasks.mackey_glass import MackeyGlass

ENDS = np.array([[0.1, 0.7, 0.9], [0.8, 0.2, 0.6]])
DELAYS = (17.0, 5.3, 30.0)


def right_hand_side(y, delayed):
    return 0.2 * delayed / (1 + delayed**10) - 0.1 * y


def solved(history, tau, delays):
    """The method of steps with an independent solver: values at the ends of so many delays."""
    grid = np.linspace(0, tau, len(history.y))

    def past(t):
        return np.array([np.interp(t, grid, column) for column in history.y.T])

    start, values = history.y[-1], []
    for _ in range(delays):
        last = past
        solution = solve_ivp(
            lambda t, y, last=last: right_hand_side(y, last(t)),
            (0, tau),
            start,
            method="DOP853",
            rtol=1e-12,
            atol=1e-13,
            max_step=tau / 40,
            dense_output=True,
        )
        past, start = solution.sol, solution.y[:, -1]
        values.append(start)
    return np.array(values)


@pytest.mark.parametrize("tau", DELAYS)
def test_it_is_the_solution_of_an_independent_solver(tau):
    history = line(ENDS, tau, 300)
    ends = [segment.y[-1] for segment, _ in zip(segments(history, tau), range(6), strict=False)]
    assert np.abs(np.array(ends) - solved(history, tau, 6)).max() < 1e-7


def after(grid, delays, tau=17.0):
    found = segments(line(ENDS, tau, grid), tau)
    return next(s for i, s in enumerate(found) if i == delays).y[-1]


def test_the_error_falls_with_the_fourth_power_of_the_step():
    fine = after(1360, 8)
    errors = [np.abs(after(grid, 8) - fine).max() for grid in (17, 34, 68)]
    assert errors[0] / errors[1] > 12 and errors[1] / errors[2] > 12


@pytest.mark.parametrize("tau", DELAYS)
@pytest.mark.parametrize("share", [1, 0.37])
def test_samples_obey_the_equation(tau, share):
    """A fine series' central difference is the right-hand side, also between steps of the grid."""
    interval = tau / round(tau / 0.02) * share
    lag = round(tau / interval)
    interval = tau / lag
    y = series(tau, interval, 4 * lag, 3, generator(0, "samples")).numpy()
    rate = (8 * (y[3:-1] - y[1:-3]) - (y[4:] - y[:-4])) / (12 * interval)
    residual = rate[lag:] - right_hand_side(y[2:-2][lag:], y[2:-2][:-lag])
    assert np.abs(residual).max() < 1e-6 < np.abs(rate).max()


def test_samples_are_those_of_the_grid_where_they_meet():
    history, begins = line(ENDS, 17.0, 170), np.array([3.0, 170.0, 16.5])
    segment_of = list(zip(range(14), segments(history, 17.0), strict=False))
    grid = np.concatenate([segment.y[:-1] for _, segment in segment_of])
    found = sampled(history, 17.0, begins + np.arange(40)[:, None])
    for column, begin in enumerate(begins):
        places = (10 * (begin + np.arange(40))).astype(int)
        assert np.abs(found[:, column] - grid[places, column]).max() < 1e-12


def test_samples_between_steps_of_the_grid_are_those_of_a_finer_one():
    times = np.array([[0.05, 40.123, 16.99], [100.07, 52.5, 68.0]])
    coarse, fine = (sampled(line(ENDS, 17.0, grid), 17.0, times) for grid in (170, 1700))
    assert np.abs(coarse - fine).max() < 1e-7


def test_sequences_differ_and_are_alike_at_every_step():
    """No phase is kept of the histories: moments over sequences are those over time."""
    y = series(17.0, 1.0, 200, 4000, generator(0, "ensemble"))
    over_time = y.var()
    assert float((y.var(dim=1) / over_time - 1).abs().max()) < 0.12
    assert float((y.mean(dim=1) - y.mean()).abs().max()) < 0.1 * float(over_time) ** 0.5
    assert float(torch.corrcoef(y[:, :50].T).fill_diagonal_(0).abs().max()) < 0.9999


def test_sequences_do_not_depend_on_how_many_are_computed_at_a_time(monkeypatch):
    whole = series(17.0, 1.0, 30, 7, generator(0, "parts"))
    monkeypatch.setattr("urnn_bench.tasks._mackey_glass._AT_ONCE", 3)
    assert torch.equal(series(17.0, 1.0, 30, 7, generator(0, "parts")), whole)


def test_the_values_are_centred_at_the_rest_of_the_equation():
    task = MackeyGlass(MackeyGlass.Options(T=300, washout=0))
    x = task.batch("train", 0, 40, seed=0).x
    assert right_hand_side(1, 1) == 0
    # of y as the literature has it
    assert 0.2 < float(x.min()) + 1 < 0.5 and 1.2 < float(x.max()) + 1 < 1.45
    assert task.mean == pytest.approx(float(x.mean()), abs=0.02)


def test_the_last_value_is_a_baseline_of_one_step():
    task = MackeyGlass(MackeyGlass.Options(T=300))
    batch = task.batch("train", 0, 400, seed=0)
    assert float(task.loss(batch.x, batch)) == pytest.approx(
        task.baselines()["nmse"]["last value"], rel=0.03
    )
