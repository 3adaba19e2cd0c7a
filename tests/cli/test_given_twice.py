"""An option of one value that is given twice: refused, as the first would silently be lost."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("run", "tiny", "--results", "a", "--results=b"), "--results is given 2 times"),
        (("run", "tiny", "--steps", 5, "--updates", 6), "--updates is given 2 times"),
        (
            ("run", "tiny", "--stacked", "--no-stacked"),
            "--no-stacked or --stacked is given 2 times",
        ),
        (
            ("run", "tiny", "--seed", "1,4", "--seeds", 3),
            "--seed 1,4 and --seeds 3 both choose the seeds; give one of them",
        ),
        (("table", "--metric", "a", "--metric", "a"), "--metric is given 2 times"),
        (
            ("run", "tiny", "--set", "fit={batch: 2}", "--set", "fit.batch=3"),
            "--set fit.batch=2 and --set fit.batch=3 contradict each other",
        ),
    ],
)
def test_two_values_of_one_option_are_refused(bench, arguments, text):
    said = bench(*arguments, code=2).err
    assert text in said and said.count("\n") == 1 and not bench.runs()


def test_one_value_twice_and_repeatable_options_are_taken(bench):
    same = ("--set", "hidden=4", "--set", "hidden=4", "--json", "--json")
    assert bench("run", "tiny", "--model", "lstm", "--model", "rnn", *same, "--dry-run").out
