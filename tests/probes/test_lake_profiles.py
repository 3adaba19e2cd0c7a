"""Temperatures of a lake are read as the task has them, of the days that windows score."""

from datetime import date, timedelta

import pytest
import torch
from tasks.lakes import DEPTHS, MadeUpLake, made_up, task

from urnn_bench.errors import ComponentError
from urnn_bench.physics.energy import energy_imbalance_w_m2
from urnn_bench.probes._trace import Trace
from urnn_bench.probes.lake_profiles import LakeProfiles
from urnn_bench.spec.types import Config
from urnn_bench.tasks._lake_series import weather_of

FIRST = 200
PROBE = LakeProfiles(Config())


def read(lake, celsius, windows=4):
    """Return what is read of a network that predicts these temperatures (N, D)."""
    batch = lake.batch("validation", 0, windows, seed=0)
    days = lake.windows("validation").at(slice(windows)).days
    output = lake.columns(lake.scales.output(celsius), days)
    seen = Trace(None, None, batch.x, (), {}, {}, None, output=output, batch=batch, task=lake)
    return PROBE.read(seen)


def shown(lake, reading):
    """Return the rows of the series that the reading has."""
    ordinals = reading["day"][~reading["day"].isnan()].long()
    return (ordinals - lake.series.first_day.toordinal()).tolist()


@pytest.mark.parametrize(("windows", "days"), [(1, 20), (2, 40), (5, 40)])
def test_days_are_those_that_the_windows_score_at_most_as_many_as_one_has(windows, days):
    lake = task(T=40)
    reading = read(lake, lake.series.simulated_celsius, windows)
    assert shown(lake, reading) == [*range(FIRST, FIRST + days)]
    assert date.fromordinal(int(reading["day"][0])) == date(2001, 1, 1) + timedelta(days=FIRST)
    assert all(curve.shape == (40,) for curve in reading.values())


def test_temperatures_are_those_of_network_process_model_and_observers():
    lake = task(T=40, share=0.1)
    celsius = lake.series.simulated_celsius + torch.linspace(0, 3, DEPTHS)
    reading, rows = read(lake, celsius), slice(FIRST, FIRST + 40)
    series = {
        "depth": celsius,
        "process": lake.series.simulated_celsius,
        # all of them, also those that the training does not see
        "observed": lake.series.observed_celsius,
    }
    for name, expected in series.items():
        read_back = torch.stack([reading[f"{name}_{depth}"] for depth in range(DEPTHS)], -1)
        torch.testing.assert_close(read_back, expected[rows], equal_nan=True)


def test_the_imbalance_is_that_of_all_days_across_windows_and_nan_with_ice():
    series = made_up(ice_days=(FIRST + 15, FIRST + 16))
    lake = MadeUpLake(task(T=40).options, series)
    celsius = series.simulated_celsius + torch.rand(400, DEPTHS, dtype=torch.float64)
    reading = read(lake, celsius)
    weather = weather_of(series.drivers[:, None])
    for name, of in (("imbalance", celsius), ("process_imbalance", series.simulated_celsius)):
        expected = energy_imbalance_w_m2(of[:, None], weather, series.lake)[:, 0]
        # of a day and the one before
        expected = expected[FIRST - 2 : FIRST + 38].clone()
        expected[15:18] = torch.nan
        torch.testing.assert_close(reading[name], expected, equal_nan=True)


def test_a_task_of_no_lake_is_refused():
    with pytest.raises(ComponentError, match="needs a task of a lake"):
        PROBE.read(Trace(None, None, torch.zeros(3, 1, 1), (), {}, {}, None))


def test_a_probed_run_of_another_task_ends_with_a_warning(bench):
    settings = ("--set", "probes.read=[state_norm, lake_profiles]", "--set", "probes.at=[0]")
    out = bench("run", "tiny", "--model", "lstm", "--probe", *settings)
    assert "lake_profiles needs a task of a lake" in " ".join((out.out + out.err).split())
    (folder,) = bench.runs()
    assert "state_norm" in (folder / "probes.csv").read_text()
