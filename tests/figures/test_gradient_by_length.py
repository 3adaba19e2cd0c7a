"""The ratio of the first to the last gradient norm, for every run and length."""

import pandas as pd
import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.gradient_by_length import GradientByLength

PROBED = ("--probe", "--set", "probes.at=[0]", "--set", "probes.every=2")


def results_of(bench):
    return load(bench.folder / "results", "tiny")


def draw(results):
    with style():
        return GradientByLength(GradientByLength.Options()).draw(results)


def values(axes):
    """Return the height of every dot."""
    return [float(y) for ax in axes for dots in ax.collections for _, y in dots.get_offsets()]


def test_shows_first_over_last_of_every_run(bench):
    bench("run", "tiny", "--model", "lstm", "--T", 4, "--T", 6, "--seeds", 2, *PROBED, "-q")
    results = results_of(bench)
    rows = results.probes.query("probe == 'gradient_norm' and state == 'h'").sort_values("t")
    norms = rows.groupby(["step", "T", "run"])["value"]
    axes = draw(results).axes
    assert len(axes) == rows["step"].nunique()
    assert set(values(axes)) == set(norms.first() / norms.last())


@pytest.fixture
def with_norm(bench):
    """Return a function that replaces the first or the last recorded gradient norms."""

    def replace(position, value):
        for path in bench.folder.glob("results/tiny/*/probes.csv"):
            frame = pd.read_csv(path)
            norms = frame[(frame["probe"] == "gradient_norm") & (frame["state"] == "h")]
            step = norms["t"].agg(position)
            frame["value"] = frame["value"].astype(object)
            frame.loc[norms[norms["t"] == step].index, "value"] = value
            frame.to_csv(path, index=False)

    bench("run", "tiny", "--model", "lstm", "--T", 4, "--T", 6, *PROBED, "-q")
    return replace


@pytest.mark.parametrize(("position", "drawn"), [("min", 1e-24), ("max", 1e24)])
def test_a_gradient_of_zero_is_drawn_at_the_end_of_the_axis(position, drawn, with_norm, bench):
    with_norm(position, 0)
    axes = draw(results_of(bench)).axes
    assert len(values(axes)) == 2 * len(axes)
    assert values(axes) == pytest.approx([drawn] * len(values(axes)))


def test_a_run_without_a_ratio_is_not_drawn(with_norm, bench):
    with_norm("min", "nan")
    with pytest.raises(NothingToShowError, match="no two lengths of 'tiny' have a gradient"):
        draw(results_of(bench))


@pytest.mark.parametrize(("updates", "expected"), [("[0]", False), ("[0, 6]", True)])
def test_says_where_a_run_was_not_probed(updates, expected, bench):
    arguments = ("run", "tiny", "--model", "lstm", "--probe", "-q")
    bench(*arguments, "--T", 4, "--T", 6, "--set", "probes.at=[0]")
    bench(*arguments, "--T", 4, "--seed", 1, "--set", f"probes.at={updates}")
    title = draw(results_of(bench)).legends[0].get_title().get_text()
    assert ("not looked at" in title) == expected
