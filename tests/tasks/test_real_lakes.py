"""Facts of the real lakes, if their files are here, and runs on them through the command line."""

import os
from datetime import date
from pathlib import Path

import pytest
import torch

from urnn_bench.data import store
from urnn_bench.physics.energy import energy_gain_w_m2, energy_imbalance_w_m2
from urnn_bench.physics.fluxes import day_to_day_w_m2, net_heat_w_m2
from urnn_bench.physics.water import INVERSION_KG_M3, density_excess_kg_m3
from urnn_bench.tasks._lake_files import LakeFiles, read
from urnn_bench.tasks.lake import Lake, LakeFilesOptions

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FALLING_CREEK = (
    "task.lake=falling_creek",
    "task.drivers=FCR_2013_2018_Drivers.csv",
    "task.process_model=FCR_2013_2018_GLM_output.csv",
    "task.observed=FCR_2013_2018_Observed_with_GLM_output.csv",
    "task.hypsography=null",
    "task.train_until=2016-12-31",
    "task.validation_until=2017-12-31",
)
BENCHMARK = """\
title: A real lake
task: {name: lake}
T: 30
models: {lstm: {hidden: 2}}
fit: {steps: 2, batch: 2}
"""


@pytest.fixture
def data(monkeypatch):
    """Return the data folder that has the real lakes, or skip."""
    folder = Path(os.environ.get(store.DATA, SHARED))
    if not (folder / "lake" / "mendota" / "meteo.csv.gz").is_file():
        pytest.skip(f"the files of real lakes are not in {folder}")
    monkeypatch.setenv(store.DATA, str(folder))
    return folder


@pytest.fixture
def mendota(data):
    assert data.is_dir()
    return Lake(LakeFilesOptions(T=353)).load()


def test_mendota_has_the_days_and_observations_of_its_description(mendota):
    assert mendota.first_day == date(2009, 4, 1) and len(mendota) == 3186
    assert mendota.lake.depths_m.tolist() == [n / 2 for n in range(50)]
    observed = ~mendota.observed_celsius.isnan()
    # of 35,242 rows 4 are deeper than 24.75 m, and 19 share a depth and a day with another
    assert int(observed.sum()) == 35_219 and int(observed.any(1).sum()) == 1520
    assert float(mendota.ice.double().mean()) == pytest.approx(0.22, abs=0.005)


def test_the_simulation_of_mendota_has_the_error_that_is_known(mendota):
    errors = mendota.simulated_celsius - mendota.observed_celsius
    assert float(errors.square().nanmean().sqrt()) == pytest.approx(2.88, abs=0.005)


def test_the_simulation_of_mendota_keeps_energy_with_the_lag_of_a_day(mendota):
    celsius, weather, ice = mendota.simulated_celsius, mendota.weather, mendota.ice
    gain = energy_gain_w_m2(celsius, mendota.lake)
    flux = day_to_day_w_m2(net_heat_w_m2(celsius[:, 0], weather))
    free = ~(ice[:-2] | ice[1:-1] | ice[2:])
    imbalance = energy_imbalance_w_m2(celsius.unsqueeze(1), by_column(weather), mendota.lake)[:, 0]
    assert float(imbalance[free].abs().mean()) == pytest.approx(17.8, abs=0.1)
    pair = torch.stack([gain[1:][free], flux[:-1][free]])
    assert float(torch.corrcoef(pair)[0, 1]) == pytest.approx(0.994, abs=0.0005)
    naive = (gain - flux)[~(ice[:-1] | ice[1:])]
    assert float(naive.abs().mean()) == pytest.approx(53, abs=0.5)


def by_column(weather):
    """Return the weather (N) of one column of water (N, 1)."""
    return type(weather)(*(values.unsqueeze(-1) for values in vars(weather).values()))


def test_the_simulation_of_mendota_has_no_inversion(mendota):
    excess = density_excess_kg_m3(mendota.simulated_celsius)
    assert float(excess.max()) < INVERSION_KG_M3


def test_observations_of_pgnn_are_those_of_mendota(data, mendota):
    folder = data / "lake/mendota"
    names = ("meteo.csv.gz", "glm_uncalibrated.csv.gz", "../pgnn/mendota.csv.gz", "bathymetry.csv")
    other = read(LakeFiles(*(folder / name for name in names))).observed_celsius
    both = ~(other.isnan() | mendota.observed_celsius.isnan())
    assert int(both.sum()) == 1175
    assert torch.equal(other[both], mendota.observed_celsius[both])


def test_drivers_with_gaps_are_refused(data, bench):
    bench.write("benchmarks/real.yaml", BENCHMARK)
    setting = ("--set", "task.drivers=../pgnn/mendota.csv.gz")
    said = bench("run", "real", *setting, "--data-dir", data, code=2).err
    assert "mendota.csv.gz: row 3: its day 1980-04-30 does not come after 1980-04-30" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("settings", [(), FALLING_CREEK], ids=["mendota", "falling creek"])
def test_real_lakes_are_trained_on(data, bench, settings):
    bench.write("benchmarks/real.yaml", BENCHMARK)
    options = [part for setting in settings for part in ("--set", setting)]
    bench("run", "real", *options, "--data-dir", data, "--threads", 1, "-q")
    assert len(bench.runs("real")) == 1
