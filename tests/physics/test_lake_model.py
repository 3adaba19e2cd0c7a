"""A lake in one dimension gains what comes in, freezes and melts, and never inverts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from urnn_bench.physics import lake_model as maths
from urnn_bench.physics.fluxes import Weather, net_heat_w_m2
from urnn_bench.physics.lake_model import LakeState
from urnn_bench.physics.made_up_lake import LATITUDE_DEGREES, PARAMETERS, hypsography
from urnn_bench.physics.surface import surface_heat_w_m2, surface_of
from urnn_bench.physics.water import density_excess_kg_m3
from urnn_bench.physics.weather import made_up_weather

DEPTHS, DAYS = 10, 500
LAKE = hypsography(DEPTHS)
MODEL = maths.lake_model(LAKE, PARAMETERS)


def weather(days=DAYS):
    """Weather from the first of October on."""
    day_of_year = (torch.arange(days, dtype=torch.float64) + 273) % 365 + 1
    drivers = made_up_weather(day_of_year, LATITUDE_DEGREES, torch.Generator().manual_seed(0))
    return Weather(*drivers.unbind(-1)[:5])


def days_of(of_days):
    return maths.days_of(of_days, LAKE, LATITUDE_DEGREES, PARAMETERS)


def constant(days=1, short=0.0, long=300.0, air=10.0, humidity=70.0, wind=3.0):
    values = (short, long, air, humidity, wind)
    return days_of(Weather(*(torch.full((days,), v, dtype=torch.float64) for v in values)))


@pytest.fixture(scope="module")
def states():
    """All states of 500 days, half a day apart, and the heat that came in between them."""
    state = maths.at_rest(2, DEPTHS, 12.0)
    found, heats = [state], []
    for day in days_of(weather()):
        for _ in range(2):
            state, came_in = maths.step(MODEL, state, day)
            found.append(state)
            heats.append(came_in)
    return found, np.stack(heats)


def test_a_year_has_open_water_ice_and_both_ways_between(states):
    frozen = np.stack([state.owed_j_m2 > 0 for state in states[0]])
    assert (
        0.1 < frozen.mean() < 0.5 and (np.abs(np.diff(frozen.astype(int), axis=0)).sum(0) > 1).all()
    )


def test_water_and_ice_gain_what_came_in(states):
    found, came_in = states
    total = np.stack([maths.total_heat_j_m2(state, MODEL.layers) for state in found])
    # to the rounding of the whole heat, not of the difference
    assert np.allclose(np.diff(total, axis=0), came_in, rtol=1e-10, atol=1e-14 * total.max())
    assert np.abs(came_in).mean() > 1e6


def test_no_layer_is_ever_denser_than_the_next_one_or_below_zero(states):
    celsius = np.stack([state.celsius for state in states[0]])
    assert density_excess_kg_m3(celsius).max() <= 0
    assert celsius.min() == 0 and celsius.max() < 35


def test_what_comes_into_open_water_is_the_net_heat_of_its_surface(states):
    found, came_in = states
    of_days = weather()
    for step in range(0, 2 * DAYS, 25):
        day = Weather(*(value[step // 2] for value in vars(of_days).values()))
        surface = torch.from_numpy(found[step].celsius[:, 0])
        expected = maths.STEP_S * net_heat_w_m2(surface, day).numpy()
        is_open = found[step].owed_j_m2 == 0
        assert np.allclose(came_in[step][is_open], expected[is_open], rtol=1e-10, atol=1e-3)


def test_the_quick_surface_heat_is_the_sum_of_fluxes():
    of_days, surface = weather(), torch.linspace(0, 35, DAYS, dtype=torch.float64)
    quick = surface_heat_w_m2(surface.numpy(), surface_of(of_days))
    assert np.allclose(quick, net_heat_w_m2(surface, of_days).numpy(), rtol=0, atol=1e-10)


def test_a_lake_in_balance_with_its_weather_stays_as_it_is():
    calm = constant(long=380.0, wind=0.0)[0]
    # only radiation is left: the surface is at rest where it radiates what it absorbs
    rest = (0.97 * 380 / (0.985 * 5.67e-8)) ** 0.25 - 273.15
    state = maths.at_rest(2, DEPTHS, rest)
    after, came_in = maths.step(MODEL, state, calm)
    assert np.abs(came_in).max() < 1e-4
    assert np.allclose(after.celsius, rest, rtol=1e-12)


def test_light_warms_deeper_water_more_where_it_is_clear():
    state = maths.at_rest(2, DEPTHS, 15.0)
    bright = constant(short=300.0, wind=0.0)[0]
    after, _ = maths.step(MODEL, state, bright)
    dark, _ = maths.step(MODEL, state, constant(wind=0.0)[0])
    warmed = (after.celsius - dark.celsius)[:, 5]
    assert warmed[0] > warmed[1] > 0


def test_cold_freezes_the_surface_and_the_water_below_stays():
    state, totals = maths.at_rest(2, DEPTHS, 1.0), []
    for day in constant(60, long=200.0, air=-15.0):
        state, _ = maths.step(MODEL, state, day)
        totals.append(state.owed_j_m2 / maths.FUSION_J_M3)
    thickness = np.stack(totals)
    assert (np.diff(thickness, axis=0) >= 0).all() and 0.1 < thickness[-1, 0] < 1
    grown = np.diff(thickness, axis=0)
    first = int(np.argmax(thickness[:, 0] > 0))
    assert grown[-1, 0] < 0.5 * grown[first + 1, 0]
    assert state.celsius[0].min() >= 0 and state.celsius[0].max() <= 1


def test_heat_melts_the_ice_before_it_warms_the_water():
    cold = maths.at_rest(2, DEPTHS, 0.0)
    ice = LakeState(cold.celsius, np.array([1e4, 1e8]))
    warm = constant(short=200.0, air=15.0, long=350.0)[0]
    after, came_in = maths.step(MODEL, ice, warm)
    assert came_in[0] > 1e6 and after.owed_j_m2[0] == 0 and after.celsius[0].max() > 0
    assert after.owed_j_m2[1] == pytest.approx(1e8 - came_in[1]) and (after.celsius[1] == 0).all()


def test_columns_do_not_see_each_other():
    both, _ = maths.simulate(MODEL, maths.at_rest(2, DEPTHS, 8.0), days_of(weather(60)))
    for column in range(2):
        one = slice(column, column + 1)
        alone = replace(PARAMETERS, **{k: v[one] for k, v in vars(PARAMETERS).items()})
        model = maths.lake_model(LAKE, alone)
        days = maths.days_of(weather(60), LAKE, LATITUDE_DEGREES, alone)
        found, _ = maths.simulate(model, maths.at_rest(1, DEPTHS, 8.0), days)
        assert torch.allclose(found[:, 0], both[:, column], atol=1e-9)


def test_a_days_ice_is_that_of_any_of_its_hours():
    days = constant(3, short=200.0, air=15.0, long=350.0)
    ice = LakeState(np.zeros((2, DEPTHS)), np.array([1e4, 1e8]))
    _, frozen = maths.simulate(MODEL, ice, days)
    assert frozen.tolist() == [[True, True], [False, True], [False, True]]
