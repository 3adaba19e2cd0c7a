"""Reading a lake: the days, depths and numbers of its files."""

import csv
from dataclasses import fields
from datetime import date

import numpy as np
import pytest
import torch
from contracts.data_for import lake

from urnn_bench.data import store
from urnn_bench.tasks import lake as task_of_files
from urnn_bench.tasks._lake_files import LakeFiles, read
from urnn_bench.tasks._lake_observations import nearest_depths
from urnn_bench.tasks.lake import Lake, LakeFilesOptions

NAMES = DRIVERS, MODEL, OBSERVED, AREAS = tuple(lake.files())
DATES = {"train_until": "2012-06-10", "validation_until": "2012-06-20"}


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Return the paths of June 2012 of a made-up lake."""
    monkeypatch.setenv(store.DATA, str(tmp_path))
    write(tmp_path, lake.files("2012-06-01", "2012-06-30"))
    return LakeFiles(*(tmp_path / "lake/mendota" / name for name in NAMES))


def write(folder, files, name="mendota"):
    where = folder / "lake" / name
    where.mkdir(parents=True, exist_ok=True)
    for file, lines in files.items():
        (where / file).write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def same(a, b):
    """Return whether two series are equal, nan where the other is."""
    parts = [(a.lake.depths_m, b.lake.depths_m), (a.lake.areas_m2, b.lake.areas_m2)]
    names = [field.name for field in fields(a) if field.name not in ("first_day", "lake")]
    parts += [(getattr(a, name), getattr(b, name)) for name in names]
    equal = (torch.allclose(p.double(), q.double(), 0, 0, equal_nan=True) for p, q in parts)
    return a.first_day == b.first_day and all(equal)


def read_slowly(paths):
    """Return drivers, simulation, observations and ice of equal days, cell by cell."""
    weather, model = rows(paths.drivers), rows(paths.process_model)
    names = [name for name in model[0] if name.startswith("temp_")]
    depths = [float(name[5:]) for name in names]
    observed = np.full((len(model), len(names)), np.nan)
    for n, row in enumerate(model):
        for d, depth in enumerate(depths):
            found = [
                float(one["temp"])
                for one in rows(paths.observed)
                if one["time"] == row["time"] and float(one["depth"]) == depth
            ]
            observed[n, d] = np.mean(found) if found else np.nan
    drivers = [[float(row[name]) for name in list(row)[1:]] for row in weather]
    simulated = [[float(row[name]) for name in names] for row in model]
    return drivers, simulated, observed, [row["ice"] == "1" for row in model]


def test_series_are_those_of_the_files(paths):
    series = read(paths)
    drivers, simulated, observed, ice = read_slowly(paths)
    assert series.first_day == date(2012, 6, 1) and len(series) == 30
    assert series.drivers.tolist() == drivers
    assert series.simulated_celsius.tolist() == simulated and series.ice.tolist() == ice
    assert np.array_equal(series.observed_celsius.numpy(), observed, equal_nan=True)
    assert np.isfinite(observed).sum() == 40
    assert series.lake.depths_m.tolist() == [0, 1, 2.5, 5]
    # 4e6 m² above, 3e6 at 2 m and none at 6 m
    assert series.lake.areas_m2.tolist() == [4e6, 3.5e6, 2.625e6, 0.75e6]
    tensors = (series.drivers, series.simulated_celsius, series.observed_celsius)
    assert {tensor.dtype for tensor in tensors} == {torch.float64}


@pytest.mark.parametrize("order", ["by day", "by depth", "reversed"])
def test_the_long_form_is_the_wide_one(paths, order):
    expected = read(paths)
    cells = [
        (d, row["time"], name[5:], row[name], row["ice"])
        for row in rows(paths.process_model)
        for d, name in enumerate(list(row)[1:5])
    ]
    sort = {"by day": list, "by depth": sorted, "reversed": lambda c: sorted(c, reverse=True)}
    lines = [",".join(cell[1:]) for cell in sort[order](cells)]
    lines = ["DateTime,Depth,temp,ice", *lines]
    paths.process_model.write_text("\n".join(lines))
    assert same(read(paths), expected)


def test_columns_may_be_in_any_order_and_some_missing(paths):
    expected = read(paths)
    for path in paths[:3]:
        lines = [line.split(",")[::-1] for line in path.read_text().split()]
        path.write_text("\n".join(",".join([*line, "x"]) for line in lines))
    assert same(read(paths), expected)
    text = paths.drivers.read_text().replace("Rain", "rain").replace("Snow", "snow")
    paths.drivers.write_text(text)
    paths.process_model.write_text(paths.process_model.read_text().replace("ice", "frozen"))
    series = read(paths)
    assert float(series.drivers[:, 5:].abs().max()) == 0 < float(expected.drivers[:, 5].max())
    assert torch.equal(series.drivers[:, :5], expected.drivers[:, :5]) and not series.ice.any()


@pytest.mark.parametrize(
    ("weather", "model", "first", "count"),
    [
        (("2012-06-03", "2012-06-30"), ("2012-06-01", "2012-06-20"), 3, 18),
        (("2012-06-01", "2012-06-10"), ("2012-06-10", "2012-06-30"), 10, 1),
        (("2012-06-05", "2012-06-08"), ("2012-06-01", "2012-06-30"), 5, 4),
    ],
)
def test_days_are_those_of_drivers_and_process_model(tmp_path, paths, weather, model, first, count):
    whole = read(paths)
    write(tmp_path, {DRIVERS: lake.files(*weather)[DRIVERS], MODEL: lake.files(*model)[MODEL]})
    series = read(paths._replace(observed=observed_daily(tmp_path)))
    days = slice(first - 1, first - 1 + count)
    assert series.first_day == date(2012, 6, first) and len(series) == count
    assert torch.equal(series.drivers, whole.drivers[days])
    assert torch.equal(series.simulated_celsius, whole.simulated_celsius[days])
    # the observation of a day is its number
    assert series.observed_celsius[:, 1].tolist() == list(range(first, first + count))


def observed_daily(folder):
    lines = [f"2012-06-{day:02},1.0,{day}" for day in range(1, 31)]
    path = folder / "daily.csv"
    path.write_text("\n".join(["time,depth,temp", *lines]))
    return path


def test_the_nearest_depth_is_that_of_the_definition():
    depths = np.array([0.1, 0.33, 0.67, 1.0, 2.5, 9.0])
    observed = np.random.default_rng(0).uniform(0, 13, 3000)
    near = nearest_depths(observed, depths)
    assert set(near) == {-1, 0, 1, 2, 3, 4, 5}
    for value, found in zip(observed, near, strict=True):
        place = int(np.argmin(abs(depths - value)))
        upper = abs(depths[place] - depths[max(place - 1, 0)]) / 2 or (depths[1] - depths[0]) / 2
        below = depths[min(place + 1, 5)] - depths[place] or depths[5] - depths[4]
        within = value - depths[place] <= below / 2 and depths[place] - value <= upper
        assert found == (place if within else -1)
    assert nearest_depths(np.array([0.5, 1.75]), np.array([0, 1, 2.5])).tolist() == [0, 1]


def test_observations_of_one_depth_and_day_are_averaged_and_deep_ones_left_out(paths):
    lines = ["2012-06-02,0.4,10", "2012-06-02,0.0,11", "2012-06-02,5.9,3", "2012-06-02,6.3,2"]
    paths.observed.write_text("\n".join(["time,depth,temp", *lines, "1999-01-01,0,5"]))
    observed = read(paths).observed_celsius
    assert observed[1].nan_to_num(-9).tolist() == [10.5, -9, -9, 3]
    assert int((~observed.isnan()).sum()) == 2


def test_without_a_hypsography_all_areas_are_equal(paths):
    areas = read(paths._replace(hypsography=None)).lake.areas_m2
    assert areas.tolist() == [1.0] * 4


@pytest.mark.parametrize(
    "header", ["time,depth,temp_glm,temp_observed", "DateTime,Depth,x,Observed_temp"]
)
def test_observations_of_other_sources_have_other_names(paths, header):
    expected = read(paths)
    _, *lines = paths.observed.read_text().split()
    cells = [line.split(",") for line in lines]
    lines = [",".join([day, depth, "99", celsius]) for day, depth, celsius in cells]
    paths.observed.write_text("\n".join([header, *lines]))
    assert same(read(paths), expected)


@pytest.mark.usefixtures("paths")
def test_splits_end_with_their_dates():
    task = Lake(LakeFilesOptions(T=5, **DATES))
    splits = task.splits
    days = {split: [splits[split].start, splits[split].stop] for split in splits}
    assert days == {"train": [0, 10], "validation": [10, 20], "test": [20, 30]}
    assert task.load() is Lake(LakeFilesOptions(T=9, share=0.5, **DATES)).load()
    assert LakeFilesOptions(T=5, train_until="20111231").train_until == "2011-12-31"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (DRIVERS, ",0.01,", ",0.02,"),
        (MODEL, "temp_5", "temp_5.5"),
        (OBSERVED, "2012-06-01,0.0,", "2012-06-02,0.0,"),
        (MODEL, ",0\n2012-06-02", ",1\n2012-06-02"),
        (AREAS, "6,0", "6,1"),
        (MODEL, "2012-06-01", "2012-06-01"),
    ],
)
def test_the_identity_follows_what_is_read(paths, file, old, new):
    before = Lake(LakeFilesOptions(T=5, **DATES)).identity()
    path = paths.drivers.parent / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    task_of_files._read.cache_clear()
    task_of_files._digest.cache_clear()
    after = Lake(LakeFilesOptions(T=5, **DATES)).identity()
    assert list(before) == ["series"] and len(before["series"]) == 64
    assert (before == after) == (old == new)
