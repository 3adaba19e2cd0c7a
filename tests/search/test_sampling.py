"""What is proposed is a function of the record, and what goes on is what was better."""

import subprocess
import sys

import pytest

from urnn_bench.records.trials import Trial
from urnn_bench.search.sampling import Study, rounded
from urnn_bench.spec.search import Axis, Halving, Search, fits

SPACE = {
    "a": Axis(choices=("x", ["y", 1], {"name": "z"})),
    "b": Axis(low=1, high=9, step=2),
    "lr": Axis(low=1e-4, high=1.0, log=True),
    "d": Axis(low=0.0, high=1.0, step=0.1, when={"a": ("x",)}),
}
HALVING = Halving(first=10, factor=3)
LAST = 270


def search(**more):
    return Search(space=SPACE, startup_trials=4, **more)


def loss_of(values):
    return float(values["lr"]) + (0.5 if values["a"] == "x" else 0.0) + 0.01 * values["b"]


def trained(study, count, halving=None, failing=(), known=()):
    """Return trials of a made-up loss that falls with the updates, after those that are known."""
    trials = list(known)
    for number in range(len(trials), count):
        values = study.propose(number)
        live, reached, state = study.begin(values), [], "complete"
        for rung in (*(halving.rungs(LAST) if halving else ()), LAST):
            reached.append((rung, loss_of(values) + 1 / rung))
            if rung != LAST and not live.goes_on(*reached[-1]):
                state = "pruned"
                break
        loss = reached[-1][1]
        if number in failing:
            state, reached, loss = "failed", [], None
        trials.append(made(number, values, state, reached, loss))
        live.end(trials[-1])
    return trials


def made(number, values, state, reached, loss):
    return Trial(
        sampler="tpe",
        seed=0,
        trial=number,
        model="m",
        label="m",
        T=4,
        seeds=(0,),
        values=dict(values),
        state=state,
        updates=1,
        rungs=tuple(reached),
        loss=loss,
    )


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("halving", [None, HALVING])
def test_what_is_proposed_is_a_function_of_the_record(sampler, halving):
    settings = search(halving=halving)
    at_once = trained(Study(settings, sampler, 5), 16, halving, failing=(3, 9))
    for stop in (1, 4, 9, 15):
        again = Study(settings, sampler, 5)
        for trial in at_once[:stop]:
            again.add(Trial.model_validate_json(trial.model_dump_json()))
        going_on = trained(again, 16, halving, failing=(3, 9), known=at_once[:stop])
        assert going_on == at_once


def test_every_proposal_is_a_point_of_the_space():
    trials = trained(Study(search(), "tpe", 1), 30)
    assert all(fits(SPACE, trial.values) for trial in trials)
    assert {repr(trial.values["a"]) for trial in trials} == {repr(c) for c in SPACE["a"].choices}
    assert {"d" in trial.values for trial in trials} == {True, False}


def test_both_samplers_start_alike_and_then_differ():
    tpe, drawn = ([t.values for t in trained(Study(search(), s, 2), 8)] for s in ("tpe", "random"))
    assert tpe[:4] == drawn[:4] and tpe[4:] != drawn[4:]


def test_tpe_proposes_better_values_than_chance():
    def late_losses(sampler, seed):
        trials = trained(Study(search(), sampler, seed), 30)
        return sum(trial.loss for trial in trials[15:])

    assert sum(late_losses("tpe", s) for s in range(3)) < 0.7 * sum(
        late_losses("random", s) for s in range(3)
    )


def test_a_trial_goes_on_if_it_is_among_the_best_third_at_its_rung():
    """The slow definition of asynchronous halving: algorithm 2 of arXiv:1810.05934."""
    trials = trained(Study(search(halving=HALVING), "random", 3), 40, HALVING)
    for rung in HALVING.rungs(LAST):
        losses = []
        for trial in trials:
            if rung not in dict(trial.rungs):
                continue
            losses.append(dict(trial.rungs)[rung])
            kept = sorted(losses)[: max(1, len(losses) // HALVING.factor)]
            assert (trial.rungs[-1][0] > rung) == (losses[-1] in kept)
    assert {trial.state for trial in trials} == {"complete", "pruned"}
    best = min(trials, key=lambda trial: loss_of(trial.values))
    assert best.state == "complete"


def test_a_trial_that_failed_is_worse_than_every_other():
    """Where all small rates fail, large ones are proposed."""

    def late(failing):
        study, trials = Study(search(), "tpe", 0), []
        for number in range(24):
            values = study.propose(number)
            failed = failing and values["lr"] < 1e-2
            state, loss = ("failed", None) if failed else ("complete", loss_of(values))
            trials.append(made(number, values, state, [] if failed else [(LAST, loss)], loss))
            study.begin(values).end(trials[-1])
        return sum(trial.values["lr"] >= 1e-2 for trial in trials[12:])

    assert late(failing=True) > late(failing=False)


@pytest.mark.parametrize(
    ("axis", "number", "value"),
    [
        (Axis(low=1e-4, high=1e-1, log=True), 0.00316227766, 0.00316),
        (Axis(low=0.0012346, high=1.0), 0.0012346789, 0.0012346),
        (Axis(low=100.0, high=100.1), 100.054321, 100.054),
        (Axis(low=0.0, high=1.0, step=0.1), 0.1 * 3, 0.3),
        (Axis(low=-2.0, high=-1.0), -1.23456, -1.23),
    ],
)
def test_numbers_have_few_digits_and_stay_in_their_range(axis, number, value):
    assert rounded(axis, number) == value


def test_proposals_do_not_depend_on_the_hashes_of_a_process():
    program = (
        "from test_sampling import *\n"
        "print([t.values for t in trained(Study(search(), 'tpe', 4), 12)])\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
