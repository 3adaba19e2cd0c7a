"""Colours are fixed for each model, labels carry units."""

from urnn_bench.figures._style import axis_label, style_of


def test_every_model_always_has_the_same_look():
    assert style_of("urnn") != style_of("lstm") and style_of("my_cell") == style_of("my_cell")
    assert (
        len({style_of(name) for name in ("urnn", "rnn", "irnn", "lstm", "lstm_paper", "gru")}) == 6
    )


def test_labels_carry_units():
    assert axis_label("cross_entropy_nat") == "cross-entropy (nat)"
    assert axis_label("train_s") == "train (s)" and axis_label("mse") == "mean squared error"
