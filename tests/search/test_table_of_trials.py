"""`table --trials`: the best trials, chosen on validation, and the test scores of these alone."""

import json

import pytest
from searches import SEARCHED, lines

from urnn_bench.records.record import Record


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    from conftest import CommandLine

    command = CommandLine(tmp_path_factory.mktemp("searched"), searched=SEARCHED)
    command("search", "searched", "-q")
    command("search", "searched", "-q", "--random", "--trials", 3)
    return command


def rows(searched, *arguments):
    return json.loads(searched("table", "searched", "--trials", "--json", *arguments).out)


def test_the_best_are_those_of_the_lowest_validation_loss(searched):
    expected = sorted({trial["loss"] for trial in lines(searched)})
    found = rows(searched)
    assert [row["validation"] for row in found] == expected
    assert [row["rank"] for row in found] == list(range(1, len(expected) + 1))
    # two trials of either sampler begin alike, and are one row
    assert [row["sampler"] for row in found].count("tpe, random") == 2


def test_a_test_score_is_that_of_the_record(searched):
    for row, trial in zip(
        rows(searched),
        sorted(lines(searched)[:5] + lines(searched)[7:], key=lambda t: t["loss"]),
        strict=True,
    ):
        record = Record.read(searched.folder / "results/searched" / trial["runs"][0])
        assert row["test"] == record.test["cross_entropy_nat"]


def test_no_test_score_of_another_trial_is_shown(searched):
    shown = searched("table", "searched", "--trials", "--best", 2, "--format", "csv").out
    assert len(shown.splitlines()) == 3
    for row in rows(searched)[2:]:
        assert str(row["test"]) not in shown


@pytest.mark.parametrize("format_", ["text", "markdown", "latex", "csv"])
def test_every_format_has_the_values(searched, format_):
    out = searched("table", "searched", "--trials", "--format", format_).out
    assert "hidden=" in out and "validation" in out and "test" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["searched", "--best", 2], 2, "give --trials too"),
        (["--trials"], 2, "urnn-bench table NAME"),
        (["searched", "--trials", "--memory"], 2, "leave out --metric and --memory"),
        (["searched", "--trials", "--T", 9], 5, "there are no complete trials"),
        (["tiny", "--trials"], 2, "no benchmark is called 'tiny'"),
    ],
)
def test_what_cannot_be_shown_is_refused(searched, arguments, code, said):
    refused = searched("table", *arguments, code=code)
    assert said in refused.err and refused.err.count("\n") == 1


def test_a_search_that_is_proposed_is_of_the_file_that_was_given(bench):
    bench.write("own.yaml", SEARCHED)
    said = bench("table", "own.yaml", "--trials", "--results", "other", code=5).err
    assert "make some with: urnn-bench search own.yaml --results other" in said


def test_pruned_trials_are_not_among_the_best(bench):
    halving = "  halving: {first: 2, factor: 2}\n"
    bench.write("benchmarks/searched.yaml", SEARCHED + halving)
    bench("search", "searched", "-q")
    states = [trial["state"] for trial in lines(bench)]
    assert "pruned" in states and len(rows(bench)) == states.count("complete")
    pruned = [trial for trial in lines(bench) if trial["state"] == "pruned"]
    for trial in pruned:
        record = Record.read(bench.folder / "results/searched" / trial["runs"][0])
        assert record.test is None and record.steps_done == trial["updates"]


def test_describe_has_a_line_for_every_axis(searched):
    out = searched("describe", "searched").out
    assert "hidden           2 to 6, step 2" in out
    assert "optimizer.decay  0.9, 0.5, if optimizer.name is rmsprop_paper" in out
