"""Figures of probes show the first state of each model, or say which models they leave out."""

import pytest
from conftest import TINY, CommandLine
from contracts.user_files import CELL

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
# LEM and coRNN call their states so
TWO_STATES = (
    CELL.replace("def __init__", 'state_names = ("y", "z")\n\n    def __init__', 1)
    .replace("(h,) = state", "h, z = state")
    .replace(
        "return (torch.tanh(h @ w.w_h.T + u),)",
        "y = torch.tanh(h @ w.w_h.T + u + z); return y, y + z / 2",
    )
    .replace(
        "return (self.bias.new_zeros(batch, self.hidden),)",
        "return 2 * (self.bias.new_zeros(batch, self.hidden),)",
    )
)
PROBED = ("--probe", "--set", "probes.at=[0]", "--set", "probes.every=3", "-q")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Records of a cell with the states y and z, of an LSTM, and of a run without probes."""
    command = CommandLine(tmp_path_factory.mktemp("mixed"), tiny=TINY)
    path = command.write("yz.py", TWO_STATES)
    models = ("--model", "yz", "--model", "lstm", "--T", 4, "--T", 6)
    command("run", "tiny", *models, "--include", path, *PROBED)
    command("run", "tiny", "--model", "urnn", "--T", 4, "--T", 6, "-q")
    return command


def draw(command, name, **options):
    kind = FIGURES.get(name, Figure)
    with style():
        return kind(kind.Options(**options)).draw(load(command.folder / "results", "tiny"))


def curves(ax):
    return {line.get_label() for line in ax.lines if not line.get_label().startswith("_")}


def title(drawing):
    titles = [legend.get_title().get_text() for legend in drawing.legends]
    return " ".join([*titles, drawing.get_suptitle()]).replace("\n", " ")


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        ("gradient_norms", {"yz, y", "lstm, h"}),
        ("gradient_by_length", {"yz", "lstm"}),
        ("memory_over_training", {"yz", "lstm"}),
    ],
)
def test_every_panel_shows_the_first_state_of_each_model(figure, shown, mixed):
    drawing = draw(mixed, figure)
    assert all(curves(ax) == shown for ax in drawing.axes)
    assert "not shown: urnn (not probed at this length)" in title(drawing)


def test_a_heatmap_names_states_that_differ(mixed):
    drawing = draw(mixed, "gradient_heatmap")
    assert [ax.get_title() for ax in drawing.axes[:2]] == ["lstm, h", "yz, y"]
    assert "state" in drawing.axes[2].get_ylabel()
    alone = draw(mixed, "gradient_heatmap", state="z")
    assert alone.axes[0].get_title() == "yz" and "∂z" in alone.axes[1].get_ylabel()
    assert "lstm (has the states h, c)" in title(alone)


def test_hidden_states_have_a_row_for_each_position(mixed):
    drawing = draw(mixed, "hidden_states")
    shown = {ax.get_title(): curves(ax) for ax in drawing.axes}
    first, second = {"yz, y", "lstm, h"}, {"yz, z", "lstm, c"}
    assert list(shown.values()) == [first, first, second, second]
    assert list(shown)[::2] == ["h, y: its norm", "c, z: its norm"]
    dashes = {line.get_label(): line.get_linestyle() for ax in drawing.axes for line in ax.lines}
    assert dashes == {"yz, y": "-", "lstm, h": "-", "yz, z": "--", "lstm, c": "--"}


@pytest.mark.parametrize("figure", ["gradient_norms", "hidden_states"])
def test_states_by_name_say_whom_they_leave_out(figure, mixed):
    drawing = draw(mixed, figure, states=["z"])
    assert all(curves(ax) == {"yz, z"} for ax in drawing.axes)
    assert "lstm (has the states h, c), urnn (not probed" in title(drawing)


@pytest.mark.parametrize(
    ("figure", "options"),
    [
        ("gradient_norms", {"states": ["q"]}),
        ("hidden_states", {"states": ["q"]}),
        ("gradient_heatmap", {"state": "q"}),
    ],
)
def test_a_state_that_no_model_has_is_answered_with_those_there_are(figure, options, mixed):
    with pytest.raises(NothingToShowError, match="such states; there are: h, c, y, z"):
        draw(mixed, figure, **options)


@pytest.mark.parametrize(
    ("figure", "options"),
    [
        ("learning_curves", {"metric": "loss"}),
        ("scores_by_length", {}),
        ("cost", {}),
        ("solvability", {}),
        ("time_to_solve", {}),
    ],
)
def test_a_model_without_a_result_is_named(figure, options, bench):
    bench.record("lstm", solved_step=5)
    folder = bench.record(
        "urnn", status="running", steps_done=0, train_s=0.0, test={}, fit={"steps": 9}
    )
    (folder / "metrics.csv").unlink()
    kind = FIGURES.get(figure, Figure)
    with style():
        drawing = kind(kind.Options(**options)).draw(load(bench.folder / "results", "made"))
    assert "not shown: urnn (" in title(drawing)
