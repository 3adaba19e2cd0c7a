"""The contract of figures: what holds for every figure."""

import re
from contextlib import suppress
from functools import cache, partial
from itertools import product
from pathlib import Path

import pytest
from conftest import EVERY_PROBE, TINY, CommandLine
from made_trials import record_trial
from matplotlib.figure import Figure as Drawing
from pandas.testing import assert_frame_equal
from user_files import CELL

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style

MODELS = {"urnn", "lstm"}
LAKES = Path(__file__).parents[1] / "tasks" / "lakes.py"
# all that a figure may need: two lengths and others of the test, probes at several updates, runs
# that count as solved
FULL = (
    *("--T", 4, "--T", 6, "--probe", "--set", "probes.at=[0]", "--set", "probes.every=3"),
    *("--set", EVERY_PROBE, "--set", "fit.solved={metric: cross_entropy_nat, below: 10}"),
    *("--set", "evaluate.T=[4, 6, 9]"),
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Probed records of a lake, of two seeds and with a model whose name is like a formula."""
    benchmark = re.sub(r"task: .*", "task: {name: lakes}", TINY).replace("T: [4]", "T: [20]")
    benchmark = benchmark.replace("  lstm:", "  lstm:\n  '$\\frac$': {cell: lstm}")
    command = CommandLine(tmp_path_factory.mktemp("lake"), tiny=benchmark)
    probing = ("--set", "probes.at=[0]", "--set", "probes.read=[lake_profiles]")
    command("run", "tiny", "--seeds", 2, "--include", LAKES, "--probe", *probing, "-q")
    return command


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Probed records of a task with a class at every step, also of a model like a formula."""
    benchmark = TINY.replace("  lstm:", "  lstm:\n  '$\\frac$': {cell: lstm}")
    command = CommandLine(tmp_path_factory.mktemp("classes"), tiny=benchmark)
    command("run", "tiny", "--probe", "--set", "probes.read=[accuracy_over_time]", "-q")
    return command


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Records at two learning rates, also of a model whose name is like a formula."""
    benchmark = TINY.replace("  lstm:", "  lstm:\n  '$\\frac$': {cell: lstm}")
    command = CommandLine(tmp_path_factory.mktemp("grid"), tiny=benchmark)
    command("run", "tiny", "--set", "grid.optimizer.lr=[1e-3, 1e-2]", "-q")
    return command


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Records of models that were searched, also of one whose name is like a formula."""
    benchmark = TINY.replace("  lstm:", "  lstm:\n  '$\\frac$': {cell: lstm}")
    command = CommandLine(tmp_path_factory.mktemp("searched"), tiny=benchmark)
    command("run", "tiny", "-q")
    for model in ("urnn", "lstm", "$\\frac$"):
        for number, sampler, seed in product(range(4), ("tpe", "random"), (0, 1)):
            record_trial(command, number, sampler, seed, model=model, T=4, benchmark="tiny")
    return command


@pytest.fixture(scope="module")
def records_of(request):
    """Return a function from a figure to the first records that it can be drawn from."""

    @cache
    def first(figure_type, others):
        # what some figures show is read of a grid, a lake, searches or classes alone
        for name in (others, "grid", "lake", "searched", "classes"):
            command = request.getfixturevalue(name)
            with suppress(NothingToShowError):
                drawing_of(figure_type, command)
                return command
        return request.getfixturevalue(others)

    return first


@pytest.fixture
def recorded(records_of, figure_type):
    """The records that a figure is drawn from."""
    return records_of(figure_type, "trained")


@pytest.fixture
def unusual(records_of, figure_type):
    """The same with a model whose name is like a formula."""
    return records_of(figure_type, "unusual_name")


@pytest.fixture
def include_all(include_options):
    """The options that make the command line know what the records are of."""
    return [*include_options, "--include", LAKES]


@pytest.fixture(scope="module")
def unusual_name(tmp_path_factory):
    """Records of a model whose name could be read as a formula."""
    benchmark = TINY.replace("  lstm:", "  '$\\frac$': {cell: lstm}")
    command = CommandLine(tmp_path_factory.mktemp("unusual"), tiny=benchmark)
    command("run", "tiny", "--model", "$\\frac$", *FULL, "-q")
    return command


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """The record of a run that failed before its first score."""
    command = CommandLine(tmp_path_factory.mktemp("failed"), tiny=TINY)
    path = command.write("failing.py", CELL.replace("(h,) = state", "raise ValueError"))
    command("run", "tiny", "--model", "failing", "--include", path, *FULL, "-q", code=3)
    return command


@pytest.fixture
def draw(figure_type):
    """Return a function that draws the records of "tiny" in a folder."""
    return partial(drawing_of, figure_type)


def drawing_of(figure_type, command):
    with style():
        figure = figure_type(figure_type.Options())
        return figure.draw(load(command.folder / "results", "tiny"))


def plot(command, figure, options):
    """Return the one file that the command line draws."""
    out = command("plot", "tiny", "--figure", figure, *options).out
    assert out.endswith(f"{figure}.png\n") and out.count("\n") == 1
    return command.folder / out.strip()


def texts(drawing):
    axes = [text for ax in drawing.axes for text in (ax.title, ax.xaxis.label, ax.yaxis.label)]
    own_legends = [ax.get_legend() for ax in drawing.axes if ax.get_legend()]
    labels = [text for legend in (*drawing.legends, *own_legends) for text in legend.texts]
    return [text.get_text() for text in (*axes, *labels)]


def test_labels_axes_and_models(draw, recorded):
    drawing = draw(recorded)
    assert isinstance(drawing, Drawing)
    shown = (ax for ax in drawing.axes if ax.get_visible())
    axes = [ax for ax in shown if ax.get_label() != "<colorbar>"]
    assert all(ax.get_xlabel() for ax in axes) and axes[0].get_ylabel()
    assert {text.partition(",")[0] for text in texts(drawing)} >= MODELS


def test_is_drawn_by_the_command_line(figure_name, include_all, recorded):
    assert plot(recorded, figure_name, include_all).read_bytes().startswith(b"\x89PNG")


def test_changes_nothing_of_the_records(figure_type, recorded):
    results = load(recorded.folder / "results", "tiny")
    before = [frame.copy() for frame in (results.runs, results.metrics, results.probes)]
    with style():
        figure_type(figure_type.Options()).draw(results)
    for frame, copy in zip((results.runs, results.metrics, results.probes), before, strict=True):
        assert_frame_equal(frame, copy)


def test_raises_nothing_to_show_without_a_score(draw, failed):
    with pytest.raises(NothingToShowError, match="tiny"):
        draw(failed)


def test_a_name_is_never_read_as_a_formula(figure_name, draw, include_all, unusual):
    assert plot(unusual, figure_name, include_all).is_file()
    drawing = draw(unusual)
    assert "\\$\\frac\\$" in " | ".join(texts(drawing))
    ticks = [text.get_text() for ax in drawing.axes for text in ax.get_xticklabels()]
    assert not any("frac" in text for text in ticks)
