"""Weather that is made up."""

import pytest
import torch

from urnn_bench.physics import weather as maths

LATITUDE = 43.0
# means and deviations of the drivers of Lake Mendota, 2009 to 2017
MENDOTA = {
    "short_wave_w_m2": (162, 97),
    "long_wave_w_m2": (311, 58),
    "air_celsius": (10.3, 10.8),
    "humidity_per_cent": (72, 11),
    "wind_m_s": (4.8, 1.6),
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def days():
    return torch.arange(20 * 365, dtype=torch.float64) % 365 + 1


@pytest.fixture(scope="module")
def drivers(days):
    return maths.made_up_weather(days, LATITUDE, rng())


def test_is_near_that_of_a_real_lake(drivers):
    for driver, (mean, deviation) in zip(drivers.unbind(-1), MENDOTA.values(), strict=False):
        assert float(driver.mean()) == pytest.approx(mean, abs=0.1 * deviation + 0.02 * mean)
        assert float(driver.std()) == pytest.approx(deviation, rel=0.15)


def test_is_within_bounds(drivers):
    short, long, air, humidity, wind, rain, snow = drivers.unbind(-1)
    assert short.min() > 0 and short.max() < 420 and long.min() > 100 and long.max() < 500
    assert air.min() > -40 and air.max() < 45 and wind.min() > 0 and wind.max() < 25
    assert humidity.min() >= 30 and humidity.max() <= 99
    assert rain.min() == 0 and 0.02 < rain.max() < 0.2 and snow.min() == 0 and snow.max() < 1


def test_it_rains_or_snows_by_the_temperature(drivers):
    air, rain, snow = drivers[:, 2], drivers[:, 5], drivers[:, 6]
    assert not (rain[air < 0] > 0).any() and not (snow[air >= 0] > 0).any()
    assert 0.2 < float((rain + snow > 0).double().mean()) < 0.6


def test_follows_its_generator_alone(days, drivers):
    torch.manual_seed(5)
    assert torch.equal(drivers, maths.made_up_weather(days, LATITUDE, rng()))
    assert not torch.equal(drivers, maths.made_up_weather(days, LATITUDE, rng(1)))


@pytest.mark.parametrize("remains", [0.0, 0.35, 0.75])
def test_noise_has_deviation_one_and_falls_off(remains):
    noise = maths.persistent_noise(40_000, remains, rng())
    assert float(noise.std()) == pytest.approx(1, abs=0.03)
    for lag in (1, 3):
        pair = torch.stack([noise[:-lag], noise[lag:]])
        assert float(torch.corrcoef(pair)[0, 1]) == pytest.approx(remains**lag, abs=0.03)


@pytest.mark.parametrize(("latitude", "day", "w_m2"), [(-20.0, 246.0, 32.2e6 / 86_400)])
def test_radiation_above_air_is_that_of_the_worked_example(latitude, day, w_m2):
    """Allen et al. (1998), example 8: 3 September at 20° S."""
    found = maths.radiation_above_air_w_m2(torch.tensor([day], dtype=torch.float64), latitude)
    assert float(found) == pytest.approx(w_m2, rel=0.002)


def test_radiation_is_highest_at_the_solstice_and_mirrored_by_the_equator(days):
    year = days[:365]
    north, south = (maths.radiation_above_air_w_m2(year, s * LATITUDE) for s in (1, -1))
    assert abs(float(year[north.argmax()]) - 172) < 6
    assert abs(float(year[south.argmax()]) - 355) < 6
    equator = maths.radiation_above_air_w_m2(year, 0.0)
    assert float(equator.std() / equator.mean()) < 0.06


def test_refuses_polar_nights(days):
    with pytest.raises(ValueError, match="latitude is from -66 to 66 degrees, not 70"):
        maths.radiation_above_air_w_m2(days, 70.0)


def test_clouds_take_short_wave_and_give_long_wave(days):
    clear, grey = torch.zeros_like(days), torch.ones_like(days)
    air, vapour = 10 + clear, 9 + clear
    short = [maths.short_wave_w_m2(days, LATITUDE, sky) for sky in (clear, grey)]
    assert torch.allclose(short[1], short[0] / 3)
    long = [maths.long_wave_w_m2(air, vapour, sky) for sky in (clear, grey)]
    black_body = 5.67e-8 * 283.15**4
    assert (long[1] > long[0]).all() and float(long[1][0]) == pytest.approx(black_body, rel=0.05)
    assert 0.6 < float(long[0][0]) / black_body < 0.8
