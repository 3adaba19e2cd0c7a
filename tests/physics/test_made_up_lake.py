"""A computed lake mixes in spring and in autumn, and its process model errs as it should."""

import pytest
import torch

from urnn_bench.physics.energy import energy_gain_w_m2, energy_imbalance_w_m2
from urnn_bench.physics.fluxes import Weather, day_to_day_w_m2, net_heat_w_m2
from urnn_bench.physics.made_up_lake import make_lake, measured
from urnn_bench.physics.water import INVERSION_KG_M3, density_excess_kg_m3

YEAR, YEARS, DEPTHS, NOISE = 365, 3, 10, 0.1


def made(seed=0):
    day_of_year = torch.arange((YEARS + 1) * YEAR, dtype=torch.float64) % YEAR + 1
    return make_lake(day_of_year, YEAR, DEPTHS, NOISE, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def lake():
    return made()


def weather_of(lake):
    return Weather(*(value[:, None] for value in lake.drivers[:, :5].unbind(-1)))


def both(lake):
    return torch.stack([lake.true_celsius, lake.simulated_celsius], dim=1)


def of_days(lake, first, last):
    """Temperatures of some days of every year (years, days, D)."""
    return lake.true_celsius.view(YEARS, YEAR, DEPTHS)[:, first:last]


def test_has_all_days_in_double_precision(lake):
    assert lake.drivers.shape == (YEARS * YEAR, 7)
    for celsius in (lake.true_celsius, lake.simulated_celsius, lake.observed_celsius):
        assert celsius.shape == (YEARS * YEAR, DEPTHS) and celsius.dtype == torch.float64


def test_summer_is_warm_above_and_cold_below(lake):
    summer = of_days(lake, 180, 220)
    assert summer[..., 0].mean() > 20 and summer[..., -1].mean() < 12
    assert (summer[..., 0] - summer[..., -1]).min() > 5


def test_it_mixes_near_four_degrees_in_spring_and_in_autumn(lake):
    for season in (of_days(lake, 60, 130), of_days(lake, 270, 350)):
        is_mixed = season.amax(-1) - season.amin(-1) < 0.5
        assert is_mixed.any(dim=1).all()
    coldest = of_days(lake, 0, 130)[..., -1]
    assert (coldest.amin(1) > 1).all() and (coldest.amin(1) < 4.1).all()


def test_winter_has_ice_and_colder_water_above(lake):
    january = lake.ice.view(YEARS, YEAR)[:, :45]
    assert january.double().mean() > 0.7 and not lake.ice.view(YEARS, YEAR)[:, 150:300].any()
    assert of_days(lake, 0, 45)[..., 0].mean() < of_days(lake, 0, 45)[..., -1].mean()


def test_nothing_is_inverted(lake):
    assert density_excess_kg_m3(both(lake)).max() < 0.01 * INVERSION_KG_M3


def test_energy_is_balanced_with_the_lag_of_a_day_alone(lake):
    days, celsius = weather_of(lake), both(lake)
    is_open = ~(lake.ice[1:-1] | lake.ice[2:])
    balanced = energy_imbalance_w_m2(celsius, days, lake.lake)[is_open].abs().mean(0)
    flux = day_to_day_w_m2(net_heat_w_m2(celsius[..., 0], days))
    shifted = (energy_gain_w_m2(celsius, lake.lake) - flux)[1:][is_open].abs().mean(0)
    assert (balanced < 20).all() and (shifted > 35).all()


def test_the_process_model_is_two_degrees_off_and_too_cold_below_the_surface(lake):
    error = lake.simulated_celsius - lake.true_celsius
    assert 1.5 < float(error[~lake.ice].square().mean().sqrt()) < 3
    assert float(error[:, 0].square().mean().sqrt()) < 0.5
    summer = error.view(YEARS, YEAR, DEPTHS)[:, 180:240, 5:]
    assert summer.mean() < -2


def test_open_water_is_measured_on_two_of_five_days_with_little_noise(lake):
    is_measured = ~lake.observed_celsius.isnan()
    days = is_measured.any(-1)
    assert float(days[~lake.ice].double().mean()) == pytest.approx(0.4, abs=0.06)
    assert 0 < float(days[lake.ice].double().mean()) < 0.12
    assert float(is_measured[days].double().mean()) == pytest.approx(0.9, abs=0.02)
    noise = (lake.observed_celsius - lake.true_celsius)[is_measured]
    assert float(noise.std()) == pytest.approx(NOISE, rel=0.05) and abs(float(noise.mean())) < 0.01


def test_measurements_without_noise_are_the_truth(lake):
    observed = measured(lake.true_celsius, lake.ice, 0.0, torch.Generator().manual_seed(1))
    is_measured = ~observed.isnan()
    assert torch.equal(observed[is_measured], lake.true_celsius[is_measured])


def test_follows_its_generator_alone(lake):
    torch.manual_seed(3)
    again, other = made(), made(1)
    assert torch.equal(again.true_celsius, lake.true_celsius)
    assert torch.equal(again.observed_celsius.isnan(), lake.observed_celsius.isnan())
    assert not torch.equal(other.true_celsius, lake.true_celsius)


def test_numbers_are_rounded_to_what_processors_agree_on(lake):
    for values in (lake.drivers, lake.true_celsius, lake.simulated_celsius):
        assert torch.equal(values, (values * 1e6).round() / 1e6)
