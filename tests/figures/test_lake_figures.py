"""Figures of lakes show the temperatures, imbalances and inversions that the probe has read."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY, CommandLine

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._lake import by_run, inverted, lake_readings
from urnn_bench.figures._style import style
from urnn_bench.figures.density_inversions import DensityInversions
from urnn_bench.figures.energy_imbalance import EnergyImbalance
from urnn_bench.figures.temperature_profiles import TemperatureProfiles

LAKES = Path(__file__).parents[1] / "tasks" / "lakes.py"
FIGURES = (TemperatureProfiles, EnergyImbalance, DensityInversions)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    benchmark = re.sub(r"task: .*", "task: {name: lakes}", TINY).replace("T: [4]", "T: [20]")
    command = CommandLine(tmp_path_factory.mktemp("lake"), tiny=benchmark)
    probing = ("--set", "probes.at=[0]", "--set", "probes.read=[lake_profiles]")
    command("run", "tiny", "--seeds", 2, "--include", LAKES, "--probe", *probing, "-q")
    return command


@pytest.fixture
def results(lake):
    return load(lake.folder / "results", "tiny")


def draw(figure_type, results):
    with style():
        drawing = figure_type(figure_type.Options()).draw(results)
        drawing.draw_without_rendering()
    return drawing


def readings(results, model):
    return [r for r in by_run(lake_readings(results, None)) if r.model == model]


def test_a_map_has_the_temperatures_of_the_first_seed_by_day_and_depth(results):
    drawing = draw(TemperatureProfiles, results)
    panels = {ax.get_title(): ax for ax in drawing.axes if ax.get_title()}
    assert list(panels) == ["observed", "process model", "lstm", "urnn"]
    first = readings(results, "lstm")[0]
    kinds = {"observed": "observed", "process model": "process", "lstm": "depth"}
    for name, kind in kinds.items():
        (mesh,) = panels[name].collections
        shown, (depths, celsius) = mesh.get_array(), first.profile(kind)
        assert np.allclose(np.ma.filled(shown, np.nan), celsius.T, equal_nan=True)
        assert depths == [float(depth) for depth in range(10)]
    low, high = panels["lstm"].get_ylim()
    assert low > high
    assert len({ax.collections[0].get_clim() for ax in panels.values()}) == 1


def test_dots_are_the_inverted_pairs(results):
    drawing = draw(TemperatureProfiles, results)
    panels = {ax.get_title(): ax for ax in drawing.axes if ax.get_title()}
    counts = {}
    for model in ("lstm", "urnn"):
        pairs = inverted(readings(results, model)[0].profile("depth")[1]) == 1
        (dots,) = panels[model].lines
        counts[model] = len(dots.get_xdata())
        assert counts[model] == pairs.sum()
        assert {*dots.get_ydata()} == {pair + 0.5 for pair in np.nonzero(pairs)[1]}
    assert max(counts.values()) > 0


def test_imbalances_are_those_of_every_seed_with_their_mean_size(results):
    drawing = draw(EnergyImbalance, results)
    (ax,) = [ax for ax in drawing.axes if ax.get_title() == "urnn"]
    own = readings(results, "urnn")
    assert len(own) == 2 and len(ax.lines) == 3
    for line, reading in zip(ax.lines[1:], own, strict=True):
        assert np.allclose(line.get_ydata(), reading.table["imbalance"], equal_nan=True)
    sizes = np.concatenate([reading.table["imbalance"].dropna().abs() for reading in own])
    assert ax.lines[1].get_label() == f"urnn, {sizes.mean():.3g} W/m²"


def test_inversions_are_shares_of_days_by_depth(results):
    (ax,) = draw(DensityInversions, results).axes
    shares = [
        100 * inverted(reading.profile("depth")[1]).mean(axis=0)
        for reading in readings(results, "lstm")
    ]
    (line,) = [line for line in ax.lines if line.get_label().startswith("lstm")]
    assert np.allclose(line.get_xdata(), np.median(shares, axis=0))
    assert line.get_ydata().tolist() == [depth + 0.5 for depth in range(9)]
    assert f"{np.mean(shares):.3g} %" in line.get_label()


def test_water_below_4_degrees_floats_on_warmer_water():
    assert not inverted(np.array([[1.0, 3.0, 3.9]])).any()
    cold_above = inverted(np.array([[10.0, 20.0, np.nan]]))
    assert cold_above[0, 0] == 1 and np.isnan(cold_above[0, 1])


@pytest.mark.parametrize("figure_type", FIGURES)
def test_a_diverged_run_is_said_to_be_not_finite(figure_type, lake, tmp_path):
    command = CommandLine(tmp_path)
    folder = command.folder / "results" / "tiny"
    (source,) = (run for run in lake.runs() if run.name.startswith("lstm") and "-s0-" in run.name)
    copy = folder / source.name
    copy.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    text = (copy / "probes.csv").read_text()
    diverged = re.sub(r"(lake_profiles,(?:depth_\d+|imbalance),\d+),.*", r"\1,nan", text)
    (copy / "probes.csv").write_text(diverged)
    drawing = draw(figure_type, load(command.folder / "results", "tiny"))
    labels = [text.get_text() for legend in drawing.legends for text in legend.texts]
    titles = [ax.get_title() for ax in drawing.axes]
    assert "lstm, not finite" in (titles if figure_type is TemperatureProfiles else labels)


@pytest.mark.parametrize("figure_type", FIGURES)
def test_without_the_probe_it_says_how_to_read_it(figure_type, bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    with pytest.raises(NothingToShowError, match=r"probed with 'lake_profiles'.*lake_profiles\]"):
        draw(figure_type, load(bench.folder / "results", "tiny"))
