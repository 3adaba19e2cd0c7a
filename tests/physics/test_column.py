"""Light, diffusion and mixing in a column of water conserve heat."""

from math import exp, pi

import numpy as np
import pytest
import torch

from urnn_bench.physics.column import diffused, layers_of, light_shares, mixed
from urnn_bench.physics.eddies import (
    deep_diffusivity_m2_s,
    stability_per_s2,
    wind_diffusivity_m2_s,
    wind_eddies,
)
from urnn_bench.physics.energy import Hypsography
from urnn_bench.physics.made_up_lake import hypsography
from urnn_bench.physics.water import density_excess_kg_m3

DEPTHS, COLUMNS = 12, 5
LAYERS = layers_of(hypsography(DEPTHS))


def rng():
    return np.random.default_rng(0)


def box(depths, metres=10.0):
    depth = torch.arange(depths, dtype=torch.float64) * (metres / depths)
    return layers_of(Hypsography(depth, torch.ones(depths, dtype=torch.float64)))


def columns(low=0.0, high=25.0):
    return rng().uniform(low, high, (COLUMNS, DEPTHS))


def heat(celsius, layers=LAYERS):
    return celsius @ layers.capacity_j_m2_k


def test_capacities_are_those_of_the_volumes():
    lake = hypsography(DEPTHS)
    assert LAYERS.capacity_j_m2_k.sum() == pytest.approx(4.186e6 * lake.mean_depth_m)


def test_all_light_is_absorbed_and_clear_water_absorbs_deeper():
    shares = light_shares(np.array([0.2, 0.8, 50.0]), LAYERS)
    assert np.allclose(shares.sum(-1), 1, rtol=1e-14) and (shares >= 0).all()
    below = shares[:, 4:].sum(-1)
    assert below[0] > 5 * below[1] > 0 and shares[2, 0] == pytest.approx(1)


def test_light_that_meets_the_bottom_warms_the_layer_there():
    shares = light_shares(np.array([1e-9]), LAYERS)[0]
    assert np.allclose(shares, -np.diff(LAYERS.areas_m2, append=0) / LAYERS.areas_m2[0])


def test_light_falls_off_exponentially_in_a_box():
    shares = light_shares(np.array([0.5]), box(10))[0]
    assert np.allclose(shares[1:-1] / shares[:-2], exp(-0.5))
    assert shares[-1] == pytest.approx(exp(-0.5 * 9))


def test_diffusion_conserves_heat_and_makes_no_new_extremes():
    before = columns()
    after = diffused(before, rng().uniform(0, 1e-3, (COLUMNS, DEPTHS - 1)), LAYERS, 43_200.0)
    assert np.allclose(heat(after), heat(before), rtol=1e-13)
    assert (after.max(-1) <= before.max(-1)).all() and (after.min(-1) >= before.min(-1)).all()
    assert not np.allclose(after, before, atol=1)


def test_diffusion_keeps_what_is_uniform_and_without_it_all_stays():
    uniform = np.full((1, DEPTHS), 7.0)
    assert np.allclose(
        diffused(uniform, np.full((1, DEPTHS - 1), 1e-3), LAYERS, 1e5), 7, rtol=1e-13
    )
    assert np.array_equal(
        diffused(columns(), np.zeros((COLUMNS, DEPTHS - 1)), LAYERS, 1e5), columns()
    )


def test_a_step_of_diffusion_solves_the_equation_of_backward_euler():
    """Written out: heat that passes is diffusivity times area times the slope after the step."""
    before, diffusivity = columns(), rng().uniform(0, 1e-4, (COLUMNS, DEPTHS - 1))
    after = diffused(before, diffusivity, LAYERS, 3600.0)
    passed = diffusivity * LAYERS.areas_m2[1:] * np.diff(after) / 1.0
    gained = np.diff(passed, prepend=0, append=0) * 3600 / LAYERS.volumes_m3
    assert np.allclose(after - before, gained, atol=1e-12)


def test_a_cosine_decays_at_the_analytic_rate():
    """In a box of depth L, cos(πz/L) falls as exp(-K π² t / L²); errors are those of the steps."""
    metres, diffusivity, step_s, steps = 10.0, 1e-5, 360.0, 1000
    errors = []
    for depths in (10, 20, 40):
        layers = box(depths, metres)
        middles = (np.arange(depths) + 0.5) * metres / depths
        celsius = mode = np.cos(pi * middles / metres)[None]
        for _ in range(steps):
            celsius = diffused(celsius, np.full((1, depths - 1), diffusivity), layers, step_s)
        decay = exp(-diffusivity * (pi / metres) ** 2 * steps * step_s)
        errors.append(np.abs(celsius - decay * mode).max() / decay)
    assert errors[0] < 0.004 and errors[1] < 0.3 * errors[0] and errors[2] < errors[1]


def test_mixing_conserves_heat_and_leaves_no_inversion():
    before = columns(0.0, 10.0)
    after = mixed(before, LAYERS.volumes_m3)
    assert density_excess_kg_m3(before).max() > 0.1 and density_excess_kg_m3(after).max() <= 0
    assert np.allclose(heat(after), heat(before), rtol=1e-13)
    assert np.array_equal(mixed(after, LAYERS.volumes_m3), after)


def test_stable_columns_are_not_mixed():
    summer, winter = np.linspace(25, 4, DEPTHS), np.linspace(0, 3.9, DEPTHS)
    stable = np.stack([summer, winter, np.full(DEPTHS, 9.0)])
    assert mixed(stable, LAYERS.volumes_m3) is stable


def test_mixing_takes_in_all_that_the_mixture_is_unstable_to():
    """Cold water on a warm layer sinks as deep as what it makes there is denser."""
    column, volumes = np.array([[12.0, 20.0, 18.0, 16.0, 5.0]]), np.array([3.0, 1, 1, 1, 2])
    # 12 and 20 make 14, which is denser than 18, then 14.8 than 16, and 15 is lighter than 5
    assert np.allclose(mixed(column, volumes), [[15.0, 15.0, 15.0, 15.0, 5.0]], rtol=1e-14)


def test_columns_are_mixed_apart():
    together = mixed(columns(), LAYERS.volumes_m3)
    alone = np.concatenate([mixed(c[None], LAYERS.volumes_m3) for c in columns()])
    assert np.allclose(together, alone, rtol=1e-13)


def test_stability_is_positive_where_it_is_lighter_above():
    depths = np.arange(3.0)
    stability = stability_per_s2(np.array([[20.0, 10.0, 15.0]]), depths)
    assert stability[0, 1] == 0
    assert stability[0, 0] == pytest.approx(9.81 * (999.70 - 998.21) / 1000, rel=0.01)


def test_wind_stirs_less_in_stable_and_in_deep_water():
    depths = np.arange(float(DEPTHS))
    wind = np.array([2.0, 5.0, 10.0])
    eddies = wind_eddies(wind, depths, 43.0)
    neutral = wind_diffusivity_m2_s(np.zeros((3, DEPTHS - 1)), eddies)
    stable = wind_diffusivity_m2_s(np.full((3, DEPTHS - 1), 1e-3), eddies)
    assert np.array_equal(neutral, eddies.neutral_m2_s) and (stable < neutral).all()
    assert (np.diff(neutral, axis=0) > 0).all() and (np.diff(stable, axis=0) > 0).all()
    assert neutral[0, -1] < 1e-3 * neutral[0].max()
    # of 10 m/s at 43° N, written out: k* = 6.6 * 0.826 * 10^-1.84 and w* = 0.012
    assert neutral[2, 1] == pytest.approx(0.4 * 0.012 * 2 * exp(-0.0788 * 2), rel=0.002)


@pytest.mark.parametrize("wind", [0.0, 1e-3, 60.0])
def test_diffusivities_are_finite_in_any_wind(wind):
    eddies = wind_eddies(np.array([wind]), np.arange(50.0), 43.0)
    for stability in (0.0, 1e-2):
        found = wind_diffusivity_m2_s(np.full((1, 49), stability), eddies)
        assert np.isfinite(found).all() and (found >= 0).all()


def test_deep_eddies_die_out_as_water_gets_stable():
    found = deep_diffusivity_m2_s(np.array([0.0, 7.5e-5, 1e-3, 1e-2]))
    assert found[0] == found[1] == pytest.approx(1.43e-7 + 1.04e-8 * 7.5e-5**-0.43)
    assert (np.diff(found[1:]) < 0).all() and found[-1] > 1.43e-7
