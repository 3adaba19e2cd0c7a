"""The heat of a lake, and whether it is what came through the surface."""

import pytest
import torch

from urnn_bench.physics.energy import (
    SECONDS_A_DAY,
    Hypsography,
    energy_gain_w_m2,
    energy_imbalance_w_m2,
    lake_energy_j,
)
from urnn_bench.physics.fluxes import Weather, day_to_day_w_m2, net_heat_w_m2
from urnn_bench.physics.water import SPECIFIC_HEAT_J_KG_K, density_kg_m3

DAYS, DEPTHS = 40, 6


def lake():
    depths = torch.arange(DEPTHS, dtype=torch.float64)
    return Hypsography(depths, 1e6 * (1 - depths / 10))


def rng():
    return torch.Generator().manual_seed(0)


def weather():
    noise = torch.randn(5, DAYS, 1, generator=rng(), dtype=torch.float64)
    means, scales = (200, 330, 14, 70, 4), (80, 30, 4, 8, 1)
    return Weather(*(m + s * n for m, s, n in zip(means, scales, noise, strict=True)))


def balanced_lake(days):
    """A mixed column (T, 1, D): from day t + 1 to t + 2 it gains the mean flux of t and t + 1."""
    heat = SPECIFIC_HEAT_J_KG_K * lake().mean_depth_m / SECONDS_A_DAY
    warmth = torch.full((DAYS, 1), 12.0, dtype=torch.float64)
    for t in range(DAYS - 2):
        flux = day_to_day_w_m2(net_heat_w_m2(warmth, days))[t]
        content = density_kg_m3(warmth[t + 1]) * warmth[t + 1] + flux / heat
        for _ in range(20):  # density changes little, so this converges to the last bit
            warmth[t + 2] = content / density_kg_m3(warmth[t + 2])
    return warmth[..., None].expand(-1, -1, DEPTHS)


def test_volumes_add_up_to_the_mean_depth():
    assert float(lake().volumes_m3.sum()) == pytest.approx(1e6 * lake().mean_depth_m)
    assert lake().mean_depth_m == pytest.approx(6 - 1.5)


def test_energy_is_that_of_every_layer():
    column = torch.tensor([20.0, 18, 12, 8, 6, 5], dtype=torch.float64)
    expected = sum(
        4186 * density_kg_m3(warmth) * warmth * 1e6 * (1 - depth / 10)
        for depth, warmth in enumerate(column.tolist())
    )
    assert float(lake_energy_j(column, lake())) == pytest.approx(expected)


def test_gain_is_the_change_of_energy():
    columns = 15 + torch.randn(DAYS, 3, DEPTHS, generator=rng(), dtype=torch.float64)
    expected = lake_energy_j(columns, lake()).diff(dim=0) / (SECONDS_A_DAY * 1e6)
    assert torch.allclose(energy_gain_w_m2(columns, lake()), expected, atol=1e-6)


def test_a_column_that_gains_its_flux_is_balanced_and_without_the_lag_it_is_not():
    days = weather()
    column = balanced_lake(days)
    assert float(energy_imbalance_w_m2(column, days, lake()).abs().max()) < 1e-8
    flux = day_to_day_w_m2(net_heat_w_m2(column[..., 0], days))
    shifted = energy_gain_w_m2(column, lake())[1:] - flux[1:]
    assert float(shifted.abs().mean()) > 20


def test_single_precision_is_as_good():
    days, column = weather(), balanced_lake(weather())
    single = Weather(*(value.float() for value in vars(days).values()))
    exact = energy_imbalance_w_m2(column.float().double(), days, lake())
    found = energy_imbalance_w_m2(column.float(), single, lake()).double()
    assert torch.allclose(found, exact, atol=0.01)


def test_rounding_is_that_of_the_change_and_not_of_all_heat():
    depths = torch.arange(50, dtype=torch.float64) / 2
    deep = Hypsography(depths, torch.full_like(depths, 4e7))
    columns = (25 + torch.randn(200, 50, generator=rng(), dtype=torch.float64)).float()
    exact = energy_gain_w_m2(columns.double(), deep)
    error = (energy_gain_w_m2(columns, deep).double() - exact).square().mean().sqrt()
    whole = lake_energy_j(columns, deep).diff(dim=0).double() / (SECONDS_A_DAY * 4e7)
    assert error < 0.3 * (whole - exact).square().mean().sqrt()


def test_gradients_equal_finite_differences():
    days = Weather(*(value[:4] for value in vars(weather()).values()))
    columns = 10 + torch.randn(4, 1, DEPTHS, generator=rng(), dtype=torch.float64)

    def imbalance(celsius):
        return energy_imbalance_w_m2(celsius, days, lake())

    assert torch.autograd.gradcheck(imbalance, (columns.requires_grad_(),))
