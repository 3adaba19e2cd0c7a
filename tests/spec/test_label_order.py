"""The order of labels: text by its letters, numbers by their size."""

from itertools import permutations

import pytest

from urnn_bench.spec.labels import natural


@pytest.mark.parametrize(
    "ordered",
    [
        ("rnn @ hidden=6", "rnn @ hidden=12", "rnn @ hidden=100"),
        ("rnn @ lr=2e-10", "rnn @ lr=0.005", "rnn @ lr=0.01", "rnn @ lr=1"),
        ("rnn @ low=-10", "rnn @ low=-2", "rnn @ low=3"),
        ("rnn", "rnn [h=6]", "rnn [h=12]", "rnn_paper"),
        ("lstm @ h=100", "urnn @ h=6, lr=0.1", "urnn @ h=6, lr=0.2", "urnn @ h=12, lr=0.1"),
    ],
)
def test_numbers_are_ordered_by_their_size(ordered):
    assert all(sorted(labels, key=natural) == [*ordered] for labels in permutations(ordered))


def test_a_label_of_any_text_has_a_place():
    odd = ("", "=", "-", "9e99999", "1.2.3", "٣", "h=-", "e5")
    assert {*sorted(odd, key=natural)} == {*odd}


def test_tables_legends_and_comparisons_of_a_sweep_are_in_order(bench):
    for hidden in (6, 12, 100):
        bench.record("urnn", point=f"hidden={hidden}", test=1.0 / hidden)
        bench.record("urnn", point=f"hidden={hidden}", test=1.1 / hidden, results="other")
    labels = [f"urnn @ hidden={hidden}" for hidden in (6, 12, 100)]
    for command in (("table",), ("status",), ("compare", "results", "other")):
        written = bench(*command, "--json").out
        places = [written.index(f'"{label}"') for label in labels]
        assert places == sorted(places), command
    bench("plot", "made", "--figure", "scores_by_length", "--format", "svg")
    drawn = (bench.folder / "results/made/figures/scores_by_length.svg").read_text()
    places = [drawn.index(f"<!-- {label} -->") for label in labels]
    assert places == sorted(places)
