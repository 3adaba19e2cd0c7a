"""Sentences about our runs that have no single number: each holds for the committed records."""

import re
from math import floor, isinf, log10
from statistics import median

import pytest
from docs_pages import ROOT

if not (ROOT / "results" / "paper").is_dir():
    pytest.skip("a checkout without results", allow_module_level=True)

from blocks.records import of, runs


def said(page, sentence):
    """Whether a page has a sentence, however its lines are broken."""
    return sentence in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def scores(run, split, metric):
    rows = [r for r in run.rows("metrics.csv") if (r["split"], r["metric"]) == (split, metric)]
    return {int(row["step"]): float(row["value"]) for row in rows}


def test_an_lstm_at_750_steps():
    assert said(
        "docs/papers/urnn-2016.md",
        "At T = 750 one seed of the LSTM passes the error of one addend after 10,500 updates, one "
        "touches it once, and one has learned nothing after 20,000.",
    )
    found = of("urnn-2016", "paper/urnn-fig2", "lstm_paper", 750)
    validation = [scores(run, "validation", run.record["criterion"]) for run in found]
    below = [[step for step, mse in values.items() if mse < 1 / 12] for values in validation]
    assert below[0] == [10_500] and len(below[1]) == 1 and not below[2]
    assert min(validation[2].values()) > 0.9 / 6 and max(validation[2]) == 20_000


def test_ordered_mnist_is_lost_at_3000():
    assert said("docs/papers/urnn-2016.md", "and are lost at 3,000. The third diverges")
    found = of("urnn-2016", "paper/urnn-fig3-ordered", "urnn", 784)
    assert [run.record["status"] for run in found] == ["done", "done", "diverged"]
    at = [scores(run, "validation", "accuracy") for run in found[:2]]
    assert all(values[2000] > 0.6 and values[3000] < 0.2 for values in at)


def test_permuted_mnist_gets_worse():
    assert said("docs/papers/urnn-2016.md", "Then the uRNN gets worse in every seed.")
    for run in of("urnn-2016", "paper/urnn-fig3-permuted", "urnn", 784):
        accuracy = scores(run, "validation", "accuracy")
        assert accuracy[1000] > 0.88 and accuracy[7000] < accuracy[1000]


def test_maps_of_where_a_task_is_solved():
    sentence = "At 1e-3 and 1e-4 every seed solves it at every length. At 1e-2 one seed does at"
    assert said("docs/benchmarks.md", f"{sentence} T = 50, and none at T = 100 and 200.")
    solved = {}
    for run in runs("maps", "map-copy"):
        solved.setdefault(run.key, []).append(run.record["solved_step"] is not None)
    share = {key: (sum(values), len(values)) for key, values in solved.items()}
    for (model, T), found in share.items():
        if not model.startswith("urnn"):
            assert found == (0, 3)
        elif model.endswith("0.01"):
            assert found == ((1, 3) if T == 50 else (0, 3))
        else:
            assert found == (3, 3)


def test_adding_at_100_steps_is_not_learned_by_a_urnn():
    sentence = "The uRNN of 128 units has not learned T = 100 within 4,000 updates at any rate."
    assert said("docs/benchmarks.md", sentence)
    found = [r for r in runs("maps", "map-adding") if "urnn" in r.key[0] and r.key[1] == 100]
    assert len(found) == 9 and {run.record["solved_step"] for run in found} == {None}


def precision(model, T, step):
    found = of("urnn-2016", "beyond/precision-lengths", model, T)
    return [scores(run, "probe", "gradient_precision")[step] for run in found]


def test_digits_that_a_urnn_loses():
    assert said("docs/precision.md", "The uRNN loses about two digits more at T = 800.")
    ratio = median(precision("urnn_128", 800, 0)) / median(precision("lstm", 800, 0))
    assert round(log10(ratio)) == 2


def test_the_gradient_of_an_irnn_overflows():
    assert said("docs/precision.md", "The IRNN's gradient at T = 800 is larger than float32 can")
    assert all(map(isinf, precision("irnn", 800, 1)))
    statuses = {
        r.record["status"] for r in of("urnn-2016", "beyond/precision-lengths", "irnn", 800)
    }
    assert statuses == {"diverged"}


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_scores_of_the_example_are_those_of_the_records(page):
    """Of seed 0 to two digits for the others; a uRNN's are rounding, so of all seeds' range."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.findall(r"^(\w+) T=100 seed 0: done, test cross_entropy_nat (\S+)", text, re.M)
    assert {name for name, _ in shown} == {"urnn", "lstm", "rnn"}
    for name, value in shown:
        tests = [r.record["test"]["cross_entropy_nat"] for r in of("readme", "copy", name, 100)]
        near = min(tests) <= float(value) <= max(tests)
        assert near if name == "urnn" else float(value) == pytest.approx(tests[0], rel=5e-4)


@pytest.mark.parametrize(
    ("page", "words", "number"),
    [
        ("docs/precision.md", "from a gradient of about 6e19", (2.0**128 / (1 - 0.9)) ** 0.5),
        ("docs/precision.md", "from a gradient of about 2e19", (2.0**128) ** 0.5),
    ],
)
def test_where_float32_overflows(page, words, number):
    assert said(page, words)
    digits, exponent = words.rsplit(" ", 1)[1].split("e")
    assert floor(log10(number)) == int(exponent)
    assert round(number / 10 ** int(exponent)) == int(digits)
