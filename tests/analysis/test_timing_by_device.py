"""Times of different devices are shown apart, and a time of several is left out."""

import csv
import io
import json
from statistics import median

import pytest
from conftest import TINY, CommandLine

from urnn_bench.analysis.results import load
from urnn_bench.analysis.timing import UNNAMED, paces, timed_on, timing_notes
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.base import Figure
from urnn_bench.records.folder import records
from urnn_bench.records.record import Record
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
OLD, NEW = "AMD EPYC (cpu family 23, model 49), AVX2", "AMD EPYC (cpu family 25, model 1), AVX2"
# the device of each session of a seed, and the update at which it began
SEEDS = [[(OLD, 0)], [(OLD, 0)], [(NEW, 0)], [(OLD, 0), (NEW, 3)]]
APART = "timings of 2 devices are shown apart"
LEFT_OUT = "timings left out: 1 run that was trained on several devices"


def with_sessions(record, sessions):
    """Return a record that was trained by sessions on these devices."""
    (own,) = record.sessions
    changed = [
        own.model_copy(update={"device_name": name, "from_step": step}) for name, step in sessions
    ]
    return record.model_copy(update={"sessions": tuple(changed)})


def move(bench, seeds):
    """Say of every recorded seed that it was trained on these devices."""
    for folder, record in records(bench.folder / "results", "tiny"):
        with_sessions(record, seeds[record.run.seed]).write(folder)


def trained_on(folder, seeds):
    bench = CommandLine(folder, tiny=TINY)
    bench("run", "tiny", "--model", "lstm", "--seeds", len(seeds), "-q")
    move(bench, seeds)
    return bench


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    return trained_on(tmp_path_factory.mktemp("moved"), SEEDS)


@pytest.fixture
def results(moved):
    return load(moved.folder / "results", "tiny")


def recorded(bench):
    return sorted(
        (record for _, record in records(bench.folder / "results", "tiny")),
        key=lambda record: record.run.seed,
    )


def pace(record):
    return record.steps_done / record.train_s


def draw(name, results, **options):
    kind = FIGURES.get(name, Figure)
    with style():
        return kind(kind.Options(**options)).draw(results)


def heading(drawing):
    return " ".join(drawing.legends[0].get_title().get_text().split())


CASES = {
    "one": ([(OLD, 0)], OLD),
    "resumed there": ([(OLD, 0), (OLD, 3)], OLD),
    "resumed elsewhere": ([(OLD, 0), (NEW, 3)], None),
    "begun again elsewhere": ([(OLD, 0), (NEW, 0)], NEW),
    "looked at elsewhere": ([(OLD, 0), (NEW, 6)], OLD),
    "no name": ([("", 0)], UNNAMED),
    "no name, then one": ([("", 0), (NEW, 3)], None),
}


@pytest.mark.parametrize(("sessions", "name"), CASES.values(), ids=CASES.keys())
def test_the_device_is_that_of_the_sessions_whose_updates_remain(moved, sessions, name):
    record = recorded(moved)[0].model_copy(update={"sessions": recorded(moved)[0].sessions[:1]})
    assert record.steps_done == 6
    assert timed_on(with_sessions(record, sessions)) == name


def test_a_session_without_a_network_has_no_part_unless_nothing_else_explains_a_time(moved):
    first, *_, last = recorded(moved)
    killed = first.sessions[0].model_copy(update={"device": "", "device_name": ""})
    ended = first.model_copy(update={"sessions": (killed, first.sessions[0])})
    assert timed_on(ended) == OLD
    (begun, resumed) = last.sessions
    assert timed_on(last.model_copy(update={"sessions": (killed, resumed)})) is None
    assert timed_on(last.model_copy(update={"sessions": (begun,)})) == OLD


def test_paces_are_medians_of_each_device(moved):
    first, second, third, _ = recorded(moved)
    expected = {OLD: median([pace(first), pace(second)]), NEW: pace(third)}
    assert paces(recorded(moved)) == expected
    assert timing_notes(recorded(moved)) == [APART, LEFT_OUT]
    assert timing_notes([first, second]) == []


def test_a_table_has_the_pace_of_each_device(moved):
    expected = paces(recorded(moved))
    said = moved("table", "tiny", "--json")
    (row,) = json.loads(said.out)
    assert row["updates_per_s"] is None and row["updates_per_s_by_device"] == expected
    assert f"tiny: {APART}" in said.err and f"tiny: {LEFT_OUT}" in said.err
    (line,) = csv.DictReader(io.StringIO(moved("table", "tiny", "--format", "csv").out))
    shown = dict(part.rsplit(": ", 1) for part in line["updates_per_s_by_device"].split("; "))
    assert {name: float(value) for name, value in shown.items()} == pytest.approx(expected)
    # it has no column of times
    assert APART not in moved("table", "tiny").err


def test_scores_are_averaged_over_all_devices(moved):
    (row,) = json.loads(moved("table", "tiny", "--json").out)
    scores = [record.test[record.criterion] for record in recorded(moved)]
    assert row["seeds"] == 4 and row["median"] == median(scores)


def test_status_names_the_device_of_each_pace(moved):
    said = moved("status", "tiny", "--json")
    rows = sorted(json.loads(said.out), key=lambda row: row["seed"])
    assert [row["timed_on"] for row in rows] == [OLD, OLD, NEW, None]
    assert [row["updates_per_s"] is None for row in rows] == [False, False, False, True]
    said = moved("status", "tiny")
    assert "timed on" in said.out and NEW in said.out and APART in said.err and LEFT_OUT in said.err


def test_costs_have_a_panel_for_each_device(moved, results):
    drawing = draw("cost", results)
    assert [" ".join(ax.get_title().split()) for ax in drawing.axes] == [OLD, NEW]
    expected = paces(recorded(moved))
    medians = [ax.lines[-1].get_ydata().tolist() for ax in drawing.axes]
    assert medians == [[expected[OLD]], [expected[NEW]]]
    assert f"{APART}; {LEFT_OUT}" in heading(drawing)


def test_seconds_of_training_have_a_panel_for_each_device(results):
    drawing = draw("learning_curves", results, x="seconds")
    titles = [" ".join(ax.get_title().split()) for ax in drawing.axes]
    assert titles == [f"T = 4, on {OLD}", f"T = 4, on {NEW}"]
    assert APART in heading(drawing) and "median of 1 to 2 seeds" in heading(drawing)
    seconds = results.metrics.query("split == 'validation' and metric == @results.criterion")
    for ax, seeds in zip(drawing.axes, ([0, 1], [2]), strict=True):
        own = seconds[seconds["seed"].isin(seeds)].groupby("step")["train_s"].median()
        (curve,) = (line for line in ax.lines if line.get_label() == "lstm")
        assert curve.get_xdata().tolist() == pytest.approx(own.tolist())
    (ax,) = draw("learning_curves", results, x="updates").axes
    assert ax.get_title() == "T = 4"


def test_runs_of_one_device_look_as_ever_and_are_told_nothing(tmp_path):
    bench = trained_on(tmp_path, [[(NEW, 0)], [(NEW, 0)]])
    said = bench("table", "tiny", "--json")
    (row,) = json.loads(said.out)
    assert row["updates_per_s"] == row["updates_per_s_by_device"][NEW] and not said.err
    assert "timed on" not in bench("status", "tiny").out
    (ax,) = draw("cost", load(bench.folder / "results", "tiny")).axes
    assert ax.get_title() == ""


def test_a_figure_of_mixed_times_alone_says_why_there_is_none(tmp_path):
    bench = trained_on(tmp_path, [[(OLD, 0), (NEW, 3)]])
    for name, options in (("cost", {}), ("learning_curves", {"x": "seconds"})):
        with pytest.raises(NothingToShowError, match="trained on several devices"):
            draw(name, load(bench.folder / "results", "tiny"), **options)


def test_a_new_record_names_the_model_of_the_cpu(tmp_path):
    bench = CommandLine(tmp_path, tiny=TINY)
    bench("run", "tiny", "--model", "lstm", "--updates", 1, "-q")
    (session,) = Record.read(bench.runs()[0]).sessions
    found = json.loads(bench("doctor", "--json").out)
    assert found["torch"]["device (auto)"].endswith(f": {session.device_name}")
    assert found["compiler"]["compiles for"].startswith(session.device_name.rpartition(", ")[0])
