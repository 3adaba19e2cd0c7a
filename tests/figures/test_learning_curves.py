"""Scores over training and over length: values, baselines, medians over seeds, diverged runs."""

import pandas as pd
import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.learning_curves import LearningCurves
from urnn_bench.figures.scores_by_length import ScoresByLength

every_figure_of_scores = pytest.mark.parametrize("figure_type", [LearningCurves, ScoresByLength])
DIVERGING = (
    *("--set", "fit.optimizer.lr=1e38", "--set", "fit.optimizer.name=sgd"),
    *("--set", "fit.clip=null"),
)


def results_of(bench):
    return load(bench.folder / "results", "tiny")


def draw(figure_type, results, **options):
    with style():
        return figure_type(figure_type.Options(**options)).draw(results)


def texts(drawing):
    axes = [text for ax in drawing.axes for text in (ax.title, ax.xaxis.label, ax.yaxis.label)]
    labels = [text for legend in drawing.legends for text in legend.texts]
    return [text.get_text() for text in (*axes, *labels)]


@every_figure_of_scores
def test_shows_the_baseline(figure_type, bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    shown = " | ".join(texts(draw(figure_type, results_of(bench))))
    assert "memoryless (baseline)" in shown and "cross-entropy (nat)" in shown


@pytest.mark.parametrize(
    ("figure_type", "split"), [(LearningCurves, "validation"), (ScoresByLength, "test")]
)
def test_shows_every_recorded_value(figure_type, split, bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    results = results_of(bench)
    (ax,) = draw(figure_type, results).axes
    shown = {float(y) for line in ax.lines for y in line.get_ydata()}
    losses = results.metrics.query("metric == 'cross_entropy_nat'")
    recorded = set(losses[losses["split"] == split]["value"])
    assert recorded and recorded <= shown


@every_figure_of_scores
def test_an_unknown_metric_is_nothing_to_show(figure_type, bench):
    bench("run", "tiny", "--model", "lstm", "--time-limit", "0", "-q", code=3)
    with pytest.raises(NothingToShowError, match="tiny"):
        draw(figure_type, results_of(bench), metric="nothing_of_the_kind")


@every_figure_of_scores
def test_marks_a_diverged_run(figure_type, bench):
    bench("run", "tiny", "--model", "lstm", "-q", *DIVERGING, code=3)
    assert "diverged" in " | ".join(texts(draw(figure_type, results_of(bench))))


def rewrite(bench, seed, status, scores):
    """Change the status and the validation scores of a recorded run; only ``scores`` remain."""
    (folder,) = bench.folder.glob(f"results/tiny/lstm-T4-s{seed}-*")
    text = (folder / "run.json").read_text()
    assert '"status": "done"' in text
    (folder / "run.json").write_text(text.replace('"status": "done"', f'"status": "{status}"'))
    frame = pd.read_csv(folder / "metrics.csv")
    frame = frame[(frame["split"] != "validation") | frame["step"].isin(scores)].copy()
    for step, value in scores.items():
        frame.loc[(frame["split"] == "validation") & (frame["step"] == step), "value"] = value
    frame.to_csv(folder / "metrics.csv", index=False)


@pytest.mark.parametrize(
    ("statuses", "median"),
    [
        (("solved", "solved", "done"), [4, 0.5, 0.5]),
        (("solved", "diverged", "done"), [4, 0.5, 1]),
        (("diverged", "diverged", "done"), [4, 0.5]),
        (("failed", "solved", "done"), [4, 0.5]),
        (("solved", "running", "done"), [4, 1.125, 0.625]),
        (("running", "interrupted", "running"), [4, 0.5]),
    ],
)
def test_the_median_is_over_all_seeds_that_ended(statuses, median, bench):
    bench("run", "tiny", "--model", "lstm", "--seeds", 3, "-q")
    curves = ({0: 5, 3: 0.25}, {0: 4, 3: 0.5}, {0: 3, 3: 2, 6: 1})
    for seed, (status, scores) in enumerate(zip(statuses, curves, strict=True)):
        rewrite(bench, seed, status, scores)
    drawing = draw(LearningCurves, results_of(bench))
    (line,) = (line for line in drawing.axes[0].lines if line.get_label() == "lstm")
    assert list(line.get_xdata()) == [0, 12, 24][: len(median)]
    assert list(line.get_ydata()) == median
    title = drawing.legends[0].get_title().get_text()
    assert ("held once solved" in title) == ("solved" in statuses)
