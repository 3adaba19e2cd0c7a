"""A figure of records that hold nothing for it is not drawn, and says why."""

from dataclasses import replace
from math import inf, nan

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import style
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Registry

FIGURES = Registry("figure", "figures")
OF_PROBES = {
    "gradient_norms": "gradient_norm",
    "gradient_heatmap": "gradient_norm",
    "hidden_states": "state_norm",
    "state_norms_by_layer": "state_norm",
    "memory_capacity": "memory_capacity",
    "reconstruction": "reconstruction",
}


def reason(figure, results):
    """Return why a figure is not drawn."""
    kind = FIGURES.get(figure, Figure)
    with style(), pytest.raises(NothingToShowError) as error:
        kind(kind.Options()).draw(results)
    return str(error.value)


def spoilt(frame, value):
    """Return a frame of which every value is not finite."""
    return frame.assign(value=value)


@pytest.mark.parametrize(("figure", "probe"), OF_PROBES.items())
def test_readings_that_are_not_finite(figure, probe, trained):
    results = load(trained.folder / "results", "tiny")
    # as if read from files
    vars(results)["probes"] = spoilt(results.probes, nan)
    assert reason(figure, results) == (
        f"no '{probe}' that runs of 'tiny' have recorded is a finite number"
    )


@pytest.mark.parametrize("value", [nan, inf])
@pytest.mark.parametrize("figure", ["learning_curves", "memory_over_training"])
def test_scores_that_are_not_finite(figure, value, trained):
    results = load(trained.folder / "results", "tiny")
    results = replace(results, metrics=spoilt(results.metrics, value))
    assert "is a finite number" in reason(figure, results)
