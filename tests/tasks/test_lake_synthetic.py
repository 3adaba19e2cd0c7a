"""The task on a computed lake: what its options change, and a run from the command line."""

import csv
from datetime import date

import pytest
import torch
from pydantic import ValidationError

from urnn_bench.physics.water import INVERSION_KG_M3, density_excess_kg_m3
from urnn_bench.tasks.lake_synthetic import LakeSynthetic, LakeSyntheticOptions

BENCHMARK = """\
title: A computed lake
task: {name: lake_synthetic, train_years: 1, test_years: 1}
T: [30]
seeds: [0]
models: {lstm: {hidden: 6}}
fit: {steps: 2, batch: 2, evaluate_every: 1}
"""


def task(T=100, **options):
    return LakeSynthetic(LakeSyntheticOptions(T=T, **options))


def test_years_follow_one_another():
    splits = task().splits
    assert splits == {
        "train": range(3 * 365),
        "validation": range(3 * 365, 4 * 365 + 1),
        "test": range(4 * 365 + 1, 6 * 365 + 1),
    }
    series = task().series
    assert len(series) == splits["test"].stop and series.first_day == date(2001, 1, 1)


def test_is_computed_once_for_the_same_options():
    assert task().series is task(T=30, share=0.1).series
    assert task().series is not task(lake_seed=1).series


@pytest.mark.parametrize(
    ("options", "differs"),
    [({"lake_seed": 1}, True), ({"noise_celsius": 0.5}, False), ({"test_years": 1}, True)],
)
def test_the_weather_follows_seed_and_years_but_not_the_noise(options, differs):
    one, other = task().series, task(**options).series
    days = min(len(one), len(other))
    assert torch.equal(one.drivers[:days], other.drivers[:days]) is not differs
    assert not torch.equal(
        one.observed_celsius[:days].nan_to_num(), other.observed_celsius[:days].nan_to_num()
    )


def test_a_deeper_lake_has_more_sequences_for_a_window():
    deep = task(depths=15)
    assert deep.sequences_per_example == 15
    assert deep.batch("train", 0, 2, seed=0).x.shape == (100, 30, 9)
    assert density_excess_kg_m3(deep.series.simulated_celsius).max() < INVERSION_KG_M3


def test_the_process_model_is_two_degrees_off_and_balanced():
    scores = {name: found["process model"] for name, found in task().baselines().items()}
    assert 1.5 < scores["rmse_celsius"] < 3
    assert scores["energy_imbalance_w_m2"] < 20 and scores["inversions"] == 0


@pytest.mark.parametrize("options", [{"depths": 4}, {"train_years": 0}, {"noise_celsius": -1.0}])
def test_refuses_a_lake_that_cannot_be(options):
    with pytest.raises(ValidationError):
        LakeSyntheticOptions(T=100, **options)


def test_trains_from_the_command_line_without_data(bench):
    bench.write("benchmarks/pond.yaml", BENCHMARK)
    assert "lstm T=30 seed 0: done" in bench("run", "pond", "--threads", 1).err
    (path,) = (bench.folder / "results/pond").rglob("metrics.csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    tests = {row["metric"]: float(row["value"]) for row in rows if row["split"] == "test"}
    assert tuple(tests) == LakeSynthetic.metrics
    # a network that is hardly trained says about the mean of all days
    assert 3 < tests["rmse_celsius"] < 15 and 0 <= tests["inversions"] <= 1


def test_too_long_a_window_names_what_mends_it(bench):
    bench.write("benchmarks/pond.yaml", BENCHMARK.replace("[30]", "[366]"))
    assert "take a shorter T, or train on more days" in bench("run", "pond", code=2).err
