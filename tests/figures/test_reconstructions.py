"""The figure of reconstructions: a signal and R² by age for every model, as the probe read them."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.reconstruction import Reconstruction

PROBED = ("--probe", "--set", "probes.at=[0]", "--set", "probes.read=[reconstruction]", "-q")


def draw(bench, **options):
    results = load(bench.folder / "results", "tiny")
    with style():
        return results, Reconstruction(Reconstruction.Options(**options)).draw(results)


def shown(ax):
    """Return the lines of a panel by their labels, without those that have none."""
    lines = {line.get_label().lstrip("\u200b"): line for line in ax.lines}
    return {label: line for label, line in lines.items() if not label.startswith("_")}


def test_each_model_has_its_signal_above_its_r2(bench):
    bench("run", "tiny", *PROBED)
    results, drawing = draw(bench)
    axes = [ax for ax in drawing.axes if ax.get_visible()]
    assert [ax.get_title() for ax in axes[:2]] == ["lstm", "urnn"] and len(axes) == 4
    for model, above, below in (("lstm", *axes[::2]), ("urnn", *axes[1::2])):
        own = results.probes[results.probes["model"] == model]
        curves = {name: c.set_index("t")["value"].dropna() for name, c in own.groupby("state")}
        assert list(shown(above)["the signal"].get_ydata()) == list(curves["signal"])
        for part, when in ((25, "25 %"), (50, "50 %"), (100, "all")):
            label = f"given back after {when} of the steps"
            given_back, r2 = curves[f"signal_at_{part}"], curves[f"r2_at_{part}"]
            assert list(shown(above)[label].get_xdata()) == list(given_back.index)
            assert list(shown(above)[label].get_ydata()) == list(given_back)
            line = shown(below)[label]
            assert list(line.get_ydata()) == list(r2)
            # the last sample that was read is the youngest
            assert list(line.get_xdata()) == list(range(len(r2) - 1, -1, -1))


def test_of_several_seeds_r2_is_the_median_and_the_signal_is_the_firsts(bench):
    bench("run", "tiny", "--model", "lstm", "--seeds", 3, *PROBED)
    results, drawing = draw(bench)
    above, below = drawing.axes
    last = results.probes[results.probes["state"] == "r2_at_100"]
    median = last.groupby("t")["value"].median()
    label = "given back after all of the steps"
    assert list(shown(below)[label].get_ydata()) == list(median)
    first = results.probes.query("state == 'signal_at_100' and seed == 0")["value"]
    assert list(shown(above)[label].get_ydata()) == list(first)
    assert len(above.lines) == 4 and len(below.lines) == 3 * (3 + 1)


def test_more_models_than_columns_are_in_rows_below(bench):
    models = ("rnn", "gru", "irnn", "urnn", "lstm")
    bench("run", "tiny", *(word for model in models for word in ("--model", model)), *PROBED)
    _, drawing = draw(bench)
    visible = [ax for ax in drawing.axes if ax.get_visible()]
    places = {
        (s.rowspan.start, s.colspan.start): ax for ax in visible for s in [ax.get_subplotspec()]
    }
    titles = {place: ax.get_title() for place, ax in places.items()}
    assert sorted(titles.values()) == sorted([*models, *[""] * len(models)])
    assert {row for (row, _), title in titles.items() if title} == {0, 2}
    for (row, column), title in titles.items():
        if title:
            assert places[row + 1, column].get_xlabel() == "age of the sample (steps)"


def test_without_the_probe_it_says_how_to_read_it(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    with pytest.raises(NothingToShowError, match=r"probed with 'reconstruction'.*reconstruction\]"):
        draw(bench)
