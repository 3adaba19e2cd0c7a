"""Every model has a look of its own, built-in models always the same; labels carry units."""

from itertools import combinations
from math import dist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import rgb_to_hsv

from urnn_bench.figures._looks import MIN_DIFFERENCE, MOST_LOOKS, curve_dashes
from urnn_bench.figures._style import axis_label, style_of, styles_of
from urnn_bench.figures._vision import difference
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
    "my_cell": ("#999933", "<"),
    "my_other_cell": ("#A6CE39", "d"),
    "urnn @ lr=0.001": ("#0072b2", "P"),
    "my_cell @ lr=0.01": ("#b2b266", "s"),
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
    assert styles and len({*styles.values()}) == len(styles)
    for one, other in combinations(styles.values(), 2) if len(styles) <= MOST_LOOKS else ():
        assert one.marker != other.marker or difference(one.color, other.color) >= MIN_DIFFERENCE


CLOSE = [f"urnn [lr={i}, h=64]" for i in range(MOST_LOOKS)]
MANY = {
    "names": [f"cell{i}" for i in range(MOST_LOOKS)],
    "variants": ["urnn", "lstm", *CLOSE[2:]],
    "mixed": [
        *COLORS,
        *(f"cell{i}" for i in range(9)),
        *CLOSE[:3],
        *(f"lem @ n={i}" for i in "123456"),
    ],
}


@pytest.mark.parametrize("models", MANY.values(), ids=MANY)
def test_24_models_are_told_apart_by_marker_or_by_what_everybody_sees(models):
    """Two looks with one marker are far apart in CIELAB, to the colour-blind and in grey print."""
    assert len({*models}) == MOST_LOOKS
    for one, other in combinations(styles_of(models).values(), 2):
        if one.marker == other.marker:
            assert all(dist(see(one.rgb), see(other.rgb)) >= 18 for see in SEEN.values())


# of linear light, by Viénot, Brettel and Mollon (1999); `figures/_vision.py` has other simulations
DICHROMATS = {
    "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "grey print": [[0.2126, 0.7152, 0.0722]] * 3,
    "all": np.eye(3),
}
SEEN = {
    name: lambda rgb, matrix=matrix: cielab(np.array(matrix) @ linear(rgb))
    for name, matrix in DICHROMATS.items()
}


def linear(rgb):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb])


def cielab(light):
    red, green, blue = np.clip(light, 0, 1)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_differences_of_colours_are_those_that_the_worst_viewer_sees():
    assert difference("white", "black") == pytest.approx(100, abs=0.1)
    # in grey print these have one lightness
    assert difference("#FF0000", "#7F7F7F") < difference("#FF0000", "#000000")
    assert difference("#D55E00", "#D55E00") == 0


def test_a_model_with_other_settings_keeps_its_colour():
    styles = styles_of(["urnn", "urnn [h=64]", "rnn", "gru"])
    hue, own = (rgb_to_hsv(styles[name].rgb)[0] for name in ("urnn", "urnn [h=64]"))
    assert own == pytest.approx(hue, abs=0.02)


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
    if all(dist(one.rgb, other.rgb) > 0.35 for one, other in combinations(first.values(), 2)):
        assert all(
            styles[model] == first[model]
            for model in models
            if [style.marker for style in first.values()].count(first[model].marker) == 1
        )
    for model in {"urnn", "lstm", "rnn"}.intersection(models):
        assert styles[model] == first[model]


def test_models_without_a_clash_keep_their_first_choice():
    models = [*COLORS, "my_cell", "my_other_cell", "rnn @ lr=0.3"]
    assert styles_of(models) == {model: style_of(model) for model in models}


@pytest.mark.parametrize(
    "models",
    [
        ["rnn", "lstm", "indrnn", "lem", "mingru", "lru", "nnrnn", "cornn"],
        [f"lstm @ lr={i}" for i in range(4)],
    ],
)
def test_colours_of_a_figure_are_not_almost_the_same(models):
    """Two greens a tenth apart are one green in print; curves have no other mark."""
    pairs = combinations(styles_of(models).values(), 2)
    assert all(dist(one.rgb, other.rgb) > 0.1 for one, other in pairs)


def test_curves_of_like_colours_have_other_dashes():
    few = curve_dashes(styles_of(["rnn", "lstm", "urnn"]))
    assert {*few.values()} == {"-"}
    of_one = curve_dashes(styles_of(["urnn", "urnn [adam, h=64]", "urnn [h=64]", "urnn @ lr=1"]))
    assert len({*of_one.values()}) == 4 and of_one["urnn"] == "-"


def test_labels_carry_units():
    assert axis_label("cross_entropy_nat") == "cross-entropy (nat)"
    assert axis_label("train_s") == "train (s)" and axis_label("mse") == "mean squared error"
    assert axis_label("nrmse") == "normalised root mean squared error"
