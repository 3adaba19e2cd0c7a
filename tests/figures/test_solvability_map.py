"""The map of solvability counts what the records say."""

import pytest
from matplotlib.patches import Rectangle

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures.solvability_map import SolvabilityMap, SolvabilityMapOptions


def record(bench, model, lr, T, seed, solved_step=None, **more):
    return bench.record(
        f"{model} @ lr={lr}",
        T=T,
        seed=seed,
        solved_step=solved_step,
        fit={"optimizer": {"lr": lr}},
        **more,
    )


def drawn(bench, **options):
    results = load(bench.folder / "results", "made")
    return SolvabilityMap(SolvabilityMapOptions(**options)).draw(results)


def test_every_place_has_its_share(bench):
    for seed, step in enumerate((100, 300, None)):
        record(bench, "urnn", 1e-3, 100, seed, step)
    record(bench, "urnn", 1e-2, 100, 0, status="oom")
    record(bench, "lstm", 1e-3, 200, 0, status="timeout")
    drawing = drawn(bench)
    panels = [ax for ax in drawing.axes if ax.get_title()]
    assert {ax.get_title() for ax in panels} == {"urnn", "lstm"}
    urnn = next(ax for ax in panels if ax.get_title() == "urnn")
    assert {text.get_text() for text in urnn.texts} == {"2/3", "0/1"}
    squares = [p for p in urnn.patches if isinstance(p, Rectangle)]
    assert min(p.get_width() for p in squares) ** 2 == pytest.approx(0.94**2 * 2 / 3)
    assert [p.get_hatch() for p in squares if p.get_hatch()] == ["xxx"]
    named = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert named == ["solved by none", "out of memory", "out of time"]


def test_what_has_not_ended_is_not_counted(bench):
    record(bench, "urnn", 1e-3, 100, 0, 100)
    record(bench, "urnn", 1e-3, 100, 1, status="interrupted")
    [ax] = [ax for ax in drawn(bench).axes if ax.get_title()]
    assert [text.get_text() for text in ax.texts] == ["1/1"]


def test_an_axis_that_is_no_number_is_one_sentence(bench):
    record(bench, "urnn", 1e-3, 100, 0, 100)
    with pytest.raises(NothingToShowError, match=r"fit\.clip is not a number"):
        drawn(bench, y="clip")


def test_the_scale_of_runs_that_were_all_solved_at_one_update_has_two_ends(bench):
    for T in (100, 200):
        record(bench, "urnn", 1e-3, T, 0, 400)
    drawing = drawn(bench)
    drawing.draw_without_rendering()
    bar = next(ax for ax in drawing.axes if ax.get_ylabel().startswith("updates to solve"))
    low, high = bar.get_ylim()
    assert low == pytest.approx(400) and high > low * 1.5
    named = [text.get_text() for text in bar.get_yticklabels()]
    assert len(named) == len({*named})
