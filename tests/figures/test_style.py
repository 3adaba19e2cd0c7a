"""Every model has a look of its own, built-in models always the same; labels carry units."""

from itertools import combinations
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.figures._looks import curve_marker
from urnn_bench.figures._style import axis_label, style_of, styles_of
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


@pytest.mark.parametrize("name", sorted(catalogue.names()))
def test_models_of_a_benchmark_can_be_told_apart(name):
    checked = check_benchmark(*catalogue.find(name), Selection(), ())
    styles = styles_of(draft.label for draft in drafts(checked, Selection()))
    assert styles and len({style.rgb for style in styles.values()}) == len(styles)


# a name as users give it, alone or with values of a grid
cells = st.one_of(
    st.sampled_from(["urnn", "lstm", "rnn"]), st.text("abc_$", min_size=1, max_size=4)
)
labels = st.builds("{}{}".format, cells, st.sampled_from(["", " @ lr=0.1", " @ lr=0.2", " @ x=1"]))


@given(st.lists(labels, min_size=1, max_size=70, unique=True), st.randoms())
def test_no_two_models_look_the_same_in_whatever_order(models, random):
    styles = styles_of(models)
    assert styles.keys() == {*models} and len(set(styles.values())) == len(models)
    assert styles == styles_of(random.sample(models, len(models)))
    first = {model: style_of(model) for model in models}
    if len({style.rgb for style in first.values()}) == len(models):
        assert styles == first
    for model in {"urnn", "lstm", "rnn"}.intersection(models):
        assert styles[model] == first[model]


def test_models_without_a_clash_keep_their_first_choice():
    models = [*COLORS, "my_cell", "my_other_cell", "rnn @ lr=0.1"]
    assert styles_of(models) == {model: style_of(model) for model in models}


@pytest.mark.parametrize(
    "models",
    [
        ["rnn", "lstm", "indrnn", "lem", "mingru", "lru", "nnrnn", "cornn"],
        [f"lstm @ lr={i}" for i in range(12)],
        [*(f"lstm @ lr={i}" for i in range(6)), "lstm", "lem", "lem @ lr=0", "lru @ lr=0"],
    ],
)
def test_colours_of_a_figure_are_not_almost_the_same(models):
    """Two greens a tenth apart are one green in print; curves have no other mark."""
    pairs = combinations(styles_of(models).values(), 2)
    assert all(dist(one.rgb, other.rgb) > 0.1 for one, other in pairs)


def test_curves_are_marked_where_colours_run_out():
    few, many = styles_of(["rnn", "lem"]), styles_of(f"cell{i}" for i in range(200))
    assert not any(curve_marker(model, few) for model in few)
    looks = {(style.rgb, curve_marker(model, many)) for model, style in many.items()}
    assert len(looks) == len(many)


def test_labels_carry_units():
    assert axis_label("cross_entropy_nat") == "cross-entropy (nat)"
    assert axis_label("train_s") == "train (s)" and axis_label("mse") == "mean squared error"
    assert axis_label("nrmse") == "normalised root mean squared error"
