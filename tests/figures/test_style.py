"""Colours are fixed for each model, labels carry units."""

import pytest

from urnn_bench.figures._style import axis_label, style_of
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts

# those of the uRNN paper's models are its blue, green and red
COLORS = {
    "urnn": "#0072B2",
    "lstm": "#009E73",
    "lstm_paper": "#004D38",
    "rnn": "#D55E00",
    "irnn": "#E69F00",
    "gru": "#CC79A7",
}
# in these, two models share a style: there are more models than styles, or two names collide
CROWDED = {"smoke", "gpu-speed", "momentum/pmnist-dtriv"}
STYLES = {
    "my_cell": ("#AA4499", "d"),
    "my_other_cell": ("#661100", "<"),
    "urnn @ lr=0.001": ("#80b9d9", "<"),
    "my_cell @ lr=0.01": ("#d4a2cc", "p"),
}


@pytest.mark.parametrize(("model", "color"), COLORS.items())
def test_models_of_the_paper_have_fixed_colours(model, color):
    assert style_of(model).color == color


@pytest.mark.parametrize(("model", "style"), STYLES.items())
def test_a_model_without_a_style_gets_the_same_one_in_every_process(model, style):
    """Python's own hash would give another one each time."""
    assert style_of(model) == style


@pytest.mark.parametrize("name", sorted(catalogue.names().keys() - CROWDED))
def test_models_of_a_benchmark_can_be_told_apart(name):
    checked = check_benchmark(*catalogue.find(name), Selection(), ())
    labels = {draft.label for draft in drafts(checked, Selection())}
    assert len({style_of(label) for label in labels}) == len(labels)
    assert len({style_of(model).color for model in checked.benchmark.models}) == len(
        checked.benchmark.models
    )


def test_labels_carry_units():
    assert axis_label("cross_entropy_nat") == "cross-entropy (nat)"
    assert axis_label("train_s") == "train (s)" and axis_label("mse") == "mean squared error"
