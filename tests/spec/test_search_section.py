"""The section `search` of a benchmark: what is refused, in one sentence with its line."""

import pytest
from conftest import TINY

from urnn_bench.spec.benchmark import Benchmark
from urnn_bench.spec.load import parse_value
from urnn_bench.spec.search import Axis, Halving, is_active, outermost_points

NAME = "optimizer.name: [adam, rmsprop_paper]"


def refusal(bench, search, extra=""):
    """Return the sentence with which a benchmark with these lines of its search is refused."""
    lines = "\n".join(f"  {line}" for line in search.splitlines())
    bench.write("benchmarks/searched.yaml", f"{TINY}search:\n{lines}\n{extra}")
    return bench("run", "searched", "--dry-run", code=2).err


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("space: {hidden: {low: 8, high: 8}}", "'low' must be less than 'high'"),
        ("space: {hidden: {low: 8}}", "give 'low' and 'high', or a list of choices"),
        ("space: {optimizer.lr: {low: 0, high: 1.0, log: true}}", "'low' must be greater than 0"),
        ("space: {hidden: {low: 4, high: 9, step: 2}}", "take 8"),
        ("space: {hidden: [4, 8, 4]}", "4 is given twice"),
        ("space: {hidden: [4, 8]}\ntrails: 3", "unknown key 'trails'; did you mean 'trials'?"),
        ("space: {hidden: {lo: 4, high: 8}}", "unknown key 'lo'; did you mean 'low'?"),
        ("space: {hidden: [4, 8], parameters: [90]}", "set the same key"),
        ("space: {fit.steps: [4, 8]}", "leave out 'fit.steps'"),
        ("space: {hidden: {choices: [4], when: {lr: [1.0]}}}", "which is no axis"),
        (
            "space:\n  hidden: {choices: [4], when: {optimizer.name: sgd}}\n  " + NAME,
            "must stand above it",
        ),
        (
            f"space:\n  {NAME}\n  hidden: {{choices: [4], when: {{optimizer.name: [sgd]}}}}",
            "has no choice 'sgd'; it has 'adam', 'rmsprop_paper'",
        ),
        (
            "space:\n  lr: {low: 0.1, high: 1}\n  hidden: {choices: [4], when: {lr: [0.1]}}",
            "has a range and no choices",
        ),
    ],
)
def test_a_wrong_section_is_refused(bench, search, said):
    text = refusal(bench, search)
    assert said in text and "searched.yaml, line" in text and text.count("\n") == 1


def test_a_search_does_not_change_what_run_trains(bench):
    bench("run", "tiny", "-q")
    before = [folder.name for folder in bench.runs()]
    bench.write("benchmarks/tiny.yaml", f"{TINY}search: {{model: lstm, space: {{hidden: [4]}}}}\n")
    bench("run", "tiny", "-q")
    assert [folder.name for folder in bench.runs()] == before
    assert Benchmark.model_validate(parse_value("{" + _flow() + "}")).search is None


def _flow():
    return "title: x, task: copying, T: 4, models: {lstm: {}}"


def test_a_range_of_whole_numbers_stays_whole():
    assert Axis(low=4, high=8).is_whole and not Axis(low=4, high=8.0).is_whole


def test_rungs_end_below_the_last_update():
    assert Halving(first=10, factor=3).rungs(270) == (10, 30, 90)
    assert Halving(first=10, factor=3).rungs(10) == ()


def test_conditions_decide_which_axes_a_point_has():
    space = {
        "a": Axis(choices=("x", "y")),
        "b": Axis(choices=(1, 2), when={"a": ("y",)}),
        "c": Axis(low=0.5, high=1.0, when={"b": (2,)}),
    }
    assert not is_active(space["b"], {"a": "x"})
    points = list(outermost_points(space))
    assert [name for name, _ in points] == ["a", "a", "b", "b", "c", "c"]
    assert points[0] == ("a", {"a": "x"})
    assert points[-1] == ("c", {"a": "y", "b": 2, "c": 1.0})
