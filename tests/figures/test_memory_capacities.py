"""The figure of memory capacities: MC over the lag and its sum, as the probe read them."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.memory_capacity import MemoryCapacity

PROBED = ("--probe", "--set", "probes.at=[0, 6]", "-q", "--set")
FEW = "{name: memory_capacity, samples: 300, test_samples: 200, lags: 3}"
READ = (*PROBED, f"probes.read=[{FEW}]", "--set", "hidden=2")
BOUND = "most that the states allow"


def draw(bench, folder="results", **options):
    results = load(bench.folder / folder, "tiny")
    with style():
        return results, MemoryCapacity(MemoryCapacity.Options(**options)).draw(results)


def shown(ax):
    """Return the lines of a panel by their labels, without those that have none."""
    lines = [(line.get_label().lstrip("\u200b"), line) for line in ax.lines]
    return {label: line for label, line in lines if not label.startswith("_")}


def numbers(results, name):
    """Return the numbers of the probe at the last update, by model and seed."""
    metrics = results.metrics.query("step == 6")
    own = metrics[metrics["metric"] == f"memory_capacity_{name}"]
    return own.groupby("model")["value"].agg(list).to_dict()


def test_each_model_has_its_curve_and_its_sum_at_the_last_update(bench):
    bench("run", "tiny", *READ)
    results, drawing = draw(bench)
    lags, sums = drawing.axes
    for model in ("lstm", "urnn"):
        own = results.probes.query("model == @model and step == 6").dropna(subset="value")
        assert list(shown(lags)[model].get_xdata()) == [1, 2, 3]
        assert list(shown(lags)[model].get_ydata()) == list(own["value"])
    assert [tick.get_text() for tick in sums.get_yticklabels()] == ["lstm", "urnn"]
    for row, model in enumerate(("lstm", "urnn")):
        dots, median, bound = [
            list(line.get_xdata()) for line in sums.lines if round(line.get_ydata().mean()) == row
        ]
        assert dots == numbers(results, "total")[model] == [pytest.approx(median[0])]
        # two units, of two real states in an LSTM or of a complex one in a uRNN
        assert bound == [4, 4] == 2 * numbers(results, "bound")[model]
    assert sums.get_ylim()[0] > sums.get_ylim()[1], "the first model is on top"
    assert "for 6 updates" in drawing.legends[0].get_title().get_text()


def test_of_several_seeds_it_is_the_median(bench):
    bench("run", "tiny", "--model", "lstm", "--seeds", 3, *READ)
    results, drawing = draw(bench)
    lags, sums = drawing.axes
    last = results.probes.query("step == 6").dropna(subset="value")
    assert list(shown(lags)["lstm"].get_ydata()) == list(last.groupby("t")["value"].median())
    assert len(lags.lines) == 3 + 1
    dots, median, _ = [list(line.get_xdata()) for line in sums.lines]
    assert dots == numbers(results, "total")["lstm"] and len({*dots}) == 3
    assert median[0] == sorted(dots)[1]


def test_a_bound_far_beyond_all_sums_is_not_drawn(bench):
    bench("run", "tiny", "--model", "lstm", *READ[:-1], "hidden=40")
    _, drawing = draw(bench)
    assert BOUND not in shown(drawing.axes[1]) and drawing.axes[1].get_xlim()[1] < 80


def test_a_run_that_diverged_leaves_the_others(bench):
    """Its reading is nan, so it has a row without a dot."""
    bench("run", "tiny", "--model", "lstm", "--model", "urnn", *READ)
    path = bench.runs()[0] / "probes.csv"
    head, *lines = path.read_text().splitlines()
    unknown = [f"{line.rpartition(',')[0]},nan" for line in lines]
    path.write_text("\n".join([head, *unknown]) + "\n")
    _, drawing = draw(bench)
    assert {*shown(drawing.axes[0])} == {"urnn"}
    assert len(drawing.axes[1].get_yticklabels()) == 2


def test_many_models_have_rows_of_their_own(bench):
    bench("run", "tiny", "--model", "lstm", *READ)
    _, low = draw(bench)
    models = ", ".join(f"m{i:02}: {{cell: rnn}}" for i in range(14))
    bench("run", "tiny", *READ, "--set", f"models={{{models}}}", "--results", "many")
    _, high = draw(bench, "many")
    rows = len(high.axes[1].get_yticklabels())
    assert rows >= 14 and high.get_figheight() > low.get_figheight() + 0.5


def test_a_long_name_leaves_the_panels_their_room(bench):
    long = "m" * 170
    bench("run", "tiny", *READ, "--set", f"models={{{long}: {{cell: rnn}}}}")
    _, drawing = draw(bench)
    drawing.draw_without_rendering()
    (name,) = [
        tick for tick in drawing.axes[1].get_yticklabels() if tick.get_text().startswith("mm")
    ]
    assert name.get_text().count("\n") == 1 and name.get_text().endswith("…")
    assert name.get_window_extent().width < 1.4 * drawing.dpi
    full = [text.get_text().replace("\n", "") for text in drawing.legends[0].get_texts()]
    assert long in full


def test_a_length_that_was_not_probed_is_refused(bench):
    bench("run", "tiny", "--model", "lstm", *READ)
    with pytest.raises(NothingToShowError, match="no run trained at T = 9 was probed"):
        draw(bench, T=9)


def test_without_the_probe_it_says_how_to_read_it(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    with pytest.raises(
        NothingToShowError, match=r"probed with 'memory_capacity'.*memory_capacity\]"
    ):
        draw(bench)
