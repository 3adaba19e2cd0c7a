"""What passes through the surface of a lake."""

import pytest
import torch

from urnn_bench.physics import fluxes
from urnn_bench.physics.fluxes import Weather


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def weather(short=200.0, long=330.0, air=15.0, humidity=70.0, wind=4.0, days=1):
    return Weather(*(torch.full((days,), v).double() for v in (short, long, air, humidity, wind)))


def test_water_of_fifteen_degrees_radiates_385_watts():
    assert float(fluxes.back_radiation_w_m2(tensor(15.0))) == pytest.approx(-385, abs=1)


@pytest.mark.parametrize(("at", "mbar"), [(0.0, 6.11), (20.0, 23.4), (30.0, 42.5)])
def test_saturated_vapour_has_less_pressure_than_in_tables(at, mbar):
    """The formula of the General Lake Model is 8 to 9 per cent below them."""
    found = float(fluxes.vapour_pressure_mbar(tensor(at)))
    assert found == pytest.approx(0.917 * mbar, rel=0.005)


def test_moist_air_is_lighter_and_dry_air_is_that_of_the_standard_atmosphere():
    dry, moist = (fluxes.air_density_kg_m3(weather(humidity=h)) for h in (0.0, 100.0))
    assert float(dry) == pytest.approx(1.225, abs=0.002) and moist < dry


def test_no_sensible_heat_passes_to_air_of_the_same_temperature():
    assert float(fluxes.sensible_heat_w_m2(tensor(15.0), weather())) == 0
    assert float(fluxes.sensible_heat_w_m2(tensor(10.0), weather())) > 0
    assert float(fluxes.sensible_heat_w_m2(tensor(20.0), weather())) < 0


def test_evaporation_cools_and_condensation_warms():
    assert float(fluxes.latent_heat_w_m2(tensor(15.0), weather())) < 0
    assert float(fluxes.latent_heat_w_m2(tensor(15.0), weather(humidity=100.0))) == 0
    assert float(fluxes.latent_heat_w_m2(tensor(5.0), weather(humidity=100.0))) > 0


def test_turbulent_heat_grows_with_the_wind():
    for flux in (fluxes.sensible_heat_w_m2, fluxes.latent_heat_w_m2):
        calm, breeze, gale = (flux(tensor(20.0), weather(wind=w)) for w in (0.0, 3.0, 6.0))
        assert float(calm) == 0 and float(gale) == pytest.approx(2 * float(breeze))


def test_the_sum_is_that_of_its_terms():
    surface, w = tensor(18.0), weather()
    parts = (fluxes.back_radiation_w_m2(surface), fluxes.sensible_heat_w_m2(surface, w))
    expected = 0.93 * 200 + 0.97 * 330 + sum(parts) + fluxes.latent_heat_w_m2(surface, w)
    assert float(fluxes.net_heat_w_m2(surface, w)) == pytest.approx(float(expected))


def test_a_warmer_surface_loses_more():
    surface = torch.linspace(0, 30, 50, dtype=torch.float64)
    assert (fluxes.net_heat_w_m2(surface, weather()).diff() < 0).all()


def test_two_days_have_the_mean_of_both():
    assert fluxes.day_to_day_w_m2(tensor(1.0, 3.0, 7.0)).tolist() == [2.0, 5.0]


def test_gradients_equal_finite_differences():
    surface = tensor(0.5, 12.0, 25.0).requires_grad_()
    days = weather(days=3)
    assert torch.autograd.gradcheck(lambda s: fluxes.net_heat_w_m2(s, days), (surface,))
