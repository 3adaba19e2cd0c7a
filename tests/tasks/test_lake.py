"""Temperature of a lake: what is seen, what is scored, and what physics costs."""

import pytest
import torch
from lakes import DAYS, DEPTHS, SPLITS, made_up, task

from urnn_bench.errors import DataError
from urnn_bench.physics.energy import energy_imbalance_w_m2
from urnn_bench.physics.water import INVERSION_KG_M3, density_excess_kg_m3, density_kg_m3
from urnn_bench.tasks._batch import MASK
from urnn_bench.tasks._lake_inputs import seen_cells
from urnn_bench.tasks._lake_mean_year import mean_year_celsius


def whole(lake, split="test"):
    """Return all windows of a split as one batch."""
    return lake.batch(split, 0, len(lake.windows(split).starts), seed=0)


def test_depths_of_a_window_are_sequences_in_a_row():
    lake = task(T=40)
    batch = lake.batch("validation", 0, 2, seed=0)
    depths = batch.x[0, :, 1].view(2, DEPTHS)
    assert torch.equal(depths[0], depths[1]) and (depths.diff() > 0).all()
    # the weather is the same at all depths
    weather = batch.x[..., 2:].view(40, 2, DEPTHS, 7)
    assert (weather == weather[:, :, :1]).all()


def test_inputs_have_mean_0_and_deviation_1_over_the_training_days():
    lake = task(T=200)
    x = whole(lake, "train").x
    assert x.shape == (200, DEPTHS, 9)
    changing = x.flatten(0, 1)
    torch.testing.assert_close(changing.mean(0), torch.zeros(9, dtype=x.dtype), atol=1e-9, rtol=0)
    deviation = changing.std(0, correction=0)
    torch.testing.assert_close(deviation, torch.ones(9, dtype=x.dtype), atol=1e-9, rtol=0)


def test_scales_depend_on_the_training_days_alone():
    series, changed = made_up(), made_up()
    changed.drivers[200:] *= 3
    changed.simulated_celsius[200:] += 5
    a, b = task(series=series).scales, task(series=changed).scales
    assert (a.inputs.mean == b.inputs.mean).all()
    assert (a.mean_celsius, a.deviation_celsius) == (b.mean_celsius, b.deviation_celsius)


def test_a_driver_that_never_changes_in_training_is_0():
    series = made_up()
    series.drivers[:200, 6] = 0.25
    x = whole(task(T=200, series=series), "train").x
    assert (x[..., 8] == 0).all()


def test_weather_is_found_again_in_the_inputs():
    lake = task(T=50)
    batch, days = whole(lake), lake.windows("test").days
    weather = lake.prediction(batch.y, batch).weather
    torch.testing.assert_close(weather.air_celsius, lake.series.drivers[days][..., 2])
    torch.testing.assert_close(weather.wind_m_s, lake.series.drivers[days][..., 4])


def test_the_process_models_temperature_is_read_if_asked_for():
    plain, more = task(T=40), task(T=40, process_input=True)
    assert (plain.signature.inputs.width, more.signature.inputs.width) == (9, 10)
    batch = whole(more)
    assert torch.equal(batch.x[..., :9], whole(plain).x)
    assert torch.equal(batch.x[..., 9:], more.baseline_output(batch))
    # runs with and without it have seen the same data
    assert torch.equal(more.compared(batch).x, plain.compared(whole(plain)).x)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_all_observations_of_a_split_are_scored_once(split):
    lake = task(T=40)
    days = SPLITS[split]
    expected = (~lake.series.observed_celsius[days.start : days.stop].isnan()).sum()
    assert whole(lake, split).extras[MASK].sum() == expected


def test_a_share_of_the_observations_is_seen_in_training_and_validation_not_in_the_test():
    some, all_of_them = task(T=40, share=0.1), task(T=40)
    for split, share in {"train": 0.1, "validation": 0.1, "test": 1.0}.items():
        days = SPLITS[split]
        observed = ~some.series.observed_celsius[days.start : days.stop].isnan()
        seen = seen_cells(some.series, split, days, some.options.share if share < 1 else 1.0, 0)
        assert int(seen.sum()) == round(share * int(observed.sum()))
        assert not seen[: days.start].any() and not seen[days.stop :].any()
    assert (whole(some, "train").extras[MASK] <= whole(all_of_them, "train").extras[MASK]).all()


def test_a_smaller_share_is_a_part_of_a_larger_one():
    lake = task()
    parts = [seen_cells(lake.series, "train", SPLITS["train"], s, 3) for s in (0.01, 0.1, 1.0)]
    assert (parts[0] <= parts[1]).all() and (parts[1] <= parts[2]).all()


def test_at_least_one_observation_is_seen():
    lake = task(share=1e-6)
    assert int(seen_cells(lake.series, "train", SPLITS["train"], 1e-6, 0).sum()) == 1


def test_seeds_share_draws():
    own, shared = task(T=40, share=0.1), task(T=40, share=0.1, draws=2)

    def masks(lake):
        return [lake.batch("validation", 0, 9, seed).extras[MASK] for seed in range(3)]

    assert not any(torch.equal(a, b) for i, a in enumerate(masks(own)) for b in masks(own)[:i])
    first, second, third = masks(shared)
    assert torch.equal(first, third) and not torch.equal(first, second)


def test_all_days_and_depths_of_the_process_model_are_targets_to_pre_train_on():
    lake = task(T=40, targets="process_model", share=0.01)
    batch = whole(lake, "train")
    assert batch.extras[MASK].all()
    assert torch.equal(batch.y, lake.baseline_output(batch))
    assert float(lake.loss(batch.y, batch)) == pytest.approx(0, abs=1e-5)


def test_the_error_is_in_celsius():
    lake = task(T=40)
    batch = whole(lake)
    scores = lake.scores(lake.baseline_output(batch), batch)
    means = {name: score.total / score.weight for name, score in scores.items()}
    # what was observed is one degree warmer than what was simulated
    assert lake.finalise_metrics(means)["rmse_celsius"] == pytest.approx(1.0)
    assert float(lake.loss(lake.baseline_output(batch), batch)) == pytest.approx(1.0)


@pytest.mark.parametrize("T", [3, 4, 21, 200])
def test_the_loss_without_physics_is_the_error_however_short_windows_are(T):
    """Few observations are in few windows, and a batch of windows without one has no error."""
    series = made_up()
    series.observed_celsius[:, 1:] = torch.nan
    series.observed_celsius[torch.arange(DAYS) % 30 != 7] = torch.nan
    series.observed_celsius[337, 0] = 40.0
    lake = task(T=T, series=series)
    scores = lake.baselines()
    for name, loss in scores["loss"].items():
        assert loss == pytest.approx(scores["rmse_celsius"][name], abs=1e-5)
    assert lake.batches("test", lake.evaluation_batch(1)) == 1


def test_padding_of_targets_changes_nothing():
    lake = task(T=40)
    batch = whole(lake)
    output = torch.randn(batch.y.shape, dtype=torch.float64)
    changed = torch.where(batch.extras[MASK].unsqueeze(-1), batch.y, 1e3)
    other = batch.map(lambda t: changed if t is batch.y else t)
    assert float(lake.loss(output, batch)) == float(lake.loss(output, other))


def test_the_energy_imbalance_is_that_of_the_series_on_days_without_ice():
    series = made_up(ice_days=(350, 351, 352))
    lake = task(T=40, series=series)
    batch = whole(lake)
    scores = lake.scores(lake.baseline_output(batch), batch)["energy_imbalance_w_m2"]
    celsius = series.simulated_celsius[:, None]
    weather = type(series.weather)(*(part[:, None] for part in vars(series.weather).values()))
    imbalance = energy_imbalance_w_m2(celsius, weather, series.lake)[:, 0].abs()
    # the last of the three days of an imbalance is the one that is scored
    days = [d for d in SPLITS["test"] if not (series.ice[d] or series.ice[d - 1])]
    assert scores.weight == len(days) == 96
    assert scores.total == pytest.approx(float(imbalance[[d - 2 for d in days]].sum()))


def test_energy_costs_what_is_above_the_threshold():
    lake = task(T=200, energy_weight=0.5, energy_threshold_w_m2=3.0)
    batch = whole(lake, "train")
    plain = task(T=200)
    imbalance = plain.prediction(batch.y, batch).imbalance_w_m2().abs().mean()
    cost = float(lake.loss(batch.y, batch) - plain.loss(batch.y, batch))
    assert cost == pytest.approx(0.5 * (float(imbalance) - 3.0))
    free = task(T=200, energy_weight=0.5, energy_threshold_w_m2=1e6)
    assert float(free.loss(batch.y, batch)) == float(plain.loss(batch.y, batch))


def test_density_costs_what_is_denser_above():
    lake, plain = task(T=40, density_weight=2.0), task(T=40)
    batch = whole(lake)
    celsius = torch.full((40, batch.x.shape[1] // DEPTHS, DEPTHS), 10.0, dtype=torch.float64)
    celsius[..., 3] = 20.0

    def cost(values):
        output = lake.scales.output(values).view(batch.y.shape)
        return float(lake.loss(output, batch) - plain.loss(output, batch))

    excess = float(density_kg_m3(10.0) - density_kg_m3(20.0))
    # one of nine pairs is inverted: the warm layer lies below a cold one
    assert cost(celsius) == pytest.approx(2.0 * excess / (DEPTHS - 1))
    assert cost(celsius.flip(0)) == cost(celsius)
    assert cost(torch.full_like(celsius, 7.0)) == 0


def test_inversions_are_a_share_of_the_pairs_of_scored_days():
    lake = task(T=40)
    batch = whole(lake)
    shape = 40, batch.x.shape[1] // DEPTHS, DEPTHS
    # warmer downwards: every pair is inverted
    celsius = torch.linspace(10, 20, DEPTHS, dtype=torch.float64).expand(shape)
    score = lake.scores(lake.scales.output(celsius).reshape(batch.y.shape), batch)["inversions"]
    assert score.total == score.weight == 100 * (DEPTHS - 1)


@pytest.mark.parametrize("option", ["energy_weight", "density_weight"])
def test_days_without_observations_count_for_physics(option):
    series = made_up()
    series.observed_celsius[:] = torch.nan
    series.observed_celsius[::50, 0] = 10.0
    lake = task(T=40, series=series, energy_threshold_w_m2=0.0, **{option: 1.0})
    batch = lake.batch("train", 0, 2, seed=0)
    output = torch.randn(batch.y.shape, dtype=torch.float64, requires_grad=True)
    lake.loss(output, batch).backward()
    moved = output.grad.abs().amax(dim=(1, 2)) > 0
    assert moved.sum() > 30


def test_gradients_of_the_loss_equal_finite_differences():
    lake = task(T=4, energy_weight=0.3, energy_threshold_w_m2=1.0, density_weight=5.0)
    batch = lake.batch("validation", 2, 2, seed=0)
    output = torch.randn(batch.y.shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda o: lake.loss(o, batch), output)


def test_a_batch_without_an_observation_has_a_finite_gradient():
    lake = task(T=10)
    batch = whole(lake)
    batch.extras[MASK][:] = False
    output = torch.randn(batch.y.shape, dtype=torch.float64, requires_grad=True)
    lake.loss(output, batch).backward()
    assert torch.isfinite(output.grad).all()


def test_a_full_batch_is_made_once():
    lake = task(T=40)
    count = lake.training_examples()
    assert lake.batch("train", 0, count, 0) is lake.batch("train", 7, count, 0)
    assert lake.batch("train", 0, 2, 0) is not lake.batch("train", 1, 2, 0)


def test_baselines_are_what_the_process_model_and_the_mean_year_score():
    lake = task(T=40)
    found = lake.baselines()
    assert [*found["rmse_celsius"]] == ["process model", "mean year"]
    assert found["rmse_celsius"]["process model"] == pytest.approx(1.0)
    excess = density_excess_kg_m3(lake.series.simulated_celsius[300:])
    share = float((excess > INVERSION_KG_M3).double().mean())
    assert found["inversions"]["process model"] == pytest.approx(share) and share > 0
    mean_year = mean_year_celsius(lake.series, SPLITS["train"])
    observed = lake.series.observed_celsius[300:]
    errors = (mean_year[300:] - observed)[~observed.isnan()]
    expected = float(errors.square().mean().sqrt())
    assert found["rmse_celsius"]["mean year"] == pytest.approx(expected)


def test_the_mean_year_is_of_training_observations_alone():
    series, changed = made_up(), made_up()
    changed.observed_celsius[200:] = 0.0
    a, b = (mean_year_celsius(lake, SPLITS["train"]) for lake in (series, changed))
    assert torch.equal(a, b)


def test_the_mean_year_of_a_constant_lake_is_that_constant():
    series = made_up()
    series.observed_celsius[~series.observed_celsius.isnan()] = 7.5
    year = mean_year_celsius(series, SPLITS["train"])
    torch.testing.assert_close(year, torch.full_like(year, 7.5))


def no_observation():
    series = made_up()
    series.observed_celsius[:200] = torch.nan
    return task(series=series)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: task(T=201), "a window has 201 days, and there are 200 to train on"),
        (lambda: task(series=made_up(ice_days=range(300, 400))), "all days for test have ice"),
        (no_observation, "no observation for train, from 2001-01-01 to 2001-07-19"),
    ],
)
def test_a_lake_that_is_not_enough_is_refused(make, text):
    with pytest.raises(DataError, match=text):
        make().batch("train", 0, 1, seed=0)
