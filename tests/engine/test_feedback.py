"""Networks that read their own outputs in the last steps of an evaluation."""

import json

import buildable
import pytest
import torch
from own_cells import CELL, replaced
from test_own_components import PARITY
from test_own_tasks import HEAD

from urnn_bench.cells.base import Cell
from urnn_bench.engine.evaluate import evaluate, evaluation_mode
from urnn_bench.kernels.choose import available
from urnn_bench.kernels.time_loop import unbind_steps
from urnn_bench.registry import Components
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.tasks.base import Images, Signature, Targets, Tokens, Vectors

COMPONENTS = Components()
T, FEEDBACK = 12, 5
OPTIONS = {"T": T, "washout": 2, "free_steps": FEEDBACK + 1, "validation_examples": 7}
STEPWISE = [
    name for name in COMPONENTS.cells.names() if not COMPONENTS.cells.get(name, Cell).time_varying
]


def job_of(cell="lstm", kernel="eager", **network):
    run = Run(
        benchmark="b",
        label=cell,
        task=ComponentSpec(name="mackey_glass", options=OPTIONS),
        cell=ComponentSpec(name=cell),
        hidden=4,
        seed=0,
        fit=Fit(steps=2, batch=3, dtype="float64"),
        **network,
    )
    return buildable.job_of(COMPONENTS, run, Backend("cpu", kernel))[0]


def inputs(job):
    return job.task.batch("validation", 0, 3, seed=0).x


def slow(model, x):
    """The outputs by one step of the cell after another, each on what it is to read."""
    weights, state = model.cell.weights(), model.cell.initial_state(x.shape[1])
    outputs = []
    for t in range(len(x)):
        seen = x[t : t + 1] if t < len(x) - FEEDBACK else outputs[-1][None]
        (drive,) = unbind_steps(model.cell.drive(seen, weights))
        state = model.cell.step(drive, state, weights)
        outputs.append(model.predict(state[0]))
    return torch.stack(outputs), state


def trained_a_little(job):
    """Give a network weights that its output depends on: some readouts begin at zero."""
    with torch.no_grad():
        for p in job.model.readout.parameters():
            p.copy_(torch.linspace(-0.6, 0.7, p.numel()).view_as(p))
    return job.model


@pytest.mark.parametrize("cell", STEPWISE)
def test_the_last_steps_read_the_output_of_the_step_before(cell):
    for kernel in available(job_of(cell).model.cell, "cpu"):
        job = job_of(cell, kernel)
        model, x = trained_a_little(job), inputs(job)
        with torch.no_grad(), evaluation_mode(model):
            wanted, state = slow(model, x)
            found, last = model(x)
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(last[0], state[0], rtol=1e-9, atol=1e-12)


NETWORKS = {
    "one layer": {},
    "two layers": {"layers": 2},
    "batch norm": {"layers": 2, "block": {"norm": "batch", "position": "post"}},
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_inputs_of_the_last_steps_are_not_read(network):
    job = job_of(kernel="auto", **network)
    model, x = trained_a_little(job), inputs(job)
    hidden = x.clone()
    hidden[-FEEDBACK:] = torch.nan
    with torch.no_grad(), evaluation_mode(model):
        assert torch.equal(model(hidden)[0], model(x)[0])
        # one step more is read
        hidden[-FEEDBACK - 1] = torch.nan
        assert model(hidden)[0][-FEEDBACK - 1 :].isnan().all()


def test_updates_and_the_features_of_a_solved_readout_read_every_input():
    job = job_of()
    model, x = trained_a_little(job), inputs(job)
    hidden = x.clone()
    hidden[-1] = torch.nan
    assert model.training and model(hidden)[0][-1].isnan().all()
    with torch.no_grad(), evaluation_mode(model):
        assert model.features(hidden)[0][-1].isnan().all()
        given = model.readout(model.features(x)[0])
        torch.testing.assert_close(given[:-FEEDBACK], model(x)[0][:-FEEDBACK])


def test_a_score_of_evaluation_follows_the_outputs():
    job = job_of()
    model = trained_a_little(job)
    alike = evaluate(model, job.task, "validation", 3, 0)
    whole = job.task.batch("validation", 0, 7, seed=0)
    with torch.no_grad(), evaluation_mode(model):
        last = slow(model, whole.x)[0][-1]
    power = (whole.y - job.task.mean)[2 : T - FEEDBACK].square().mean()
    wanted = ((last - whole.y[-1]).square().mean() / power).sqrt()
    assert alike["free_nrmse"] == pytest.approx(float(wanted), rel=1e-9)


SHORT = """\
title: Feedback
task: {name: mackey_glass, washout: 2, free_steps: 6, validation_examples: 4, test_examples: 4}
T: [12]
seeds: [0, 1]
hidden: 4
models: {rnn: , lstm: }
fit: {steps: 4, batch: 3, log_every: 2, evaluate_every: 2}
"""


def test_a_stack_scores_as_its_runs_do_alone(bench):
    bench.write("benchmarks/short.yaml", SHORT)
    bench("run", "short", "-q", "--no-stacked", "--results", "alone", "--threads", 1)
    bench("run", "short", "-q", "--stacked", "--results", "stack", "--threads", 1)
    found = {
        path.parent.name: json.loads(path.read_text())["test"]
        for path in bench.folder.glob("alone/short/*/run.json")
    }
    assert len(found) == 4
    for name, test in found.items():
        record = json.loads((bench.folder / "stack/short" / name / "run.json").read_text())
        assert record["test"] == pytest.approx(test, rel=1e-4)


WITHOUT_STEP = {
    "bidirectional=true": "a cell that reads from the end knows no last step",
    "models.rnn.cell=sr_lstm_released": "the cell 'sr_lstm_released' counts its steps",
}


@pytest.mark.parametrize("setting", WITHOUT_STEP)
def test_a_network_without_a_next_step_is_refused(setting, bench):
    bench.write("benchmarks/short.yaml", SHORT)
    err = bench("run", "short", "--model", "rnn", "--set", setting, code=2).err
    assert f"--set {setting}: the task 'mackey_glass' lets a network read its own outputs" in err
    assert WITHOUT_STEP[setting] in err and err.count("\n") == 1


def test_a_cell_with_no_step_is_refused(bench):
    text = replaced(CELL, "class Own(Cell):\n", "class Own(Cell):\n    has_step = False\n\n")
    bench.write("own.py", text)
    bench.write("benchmarks/short.yaml", SHORT)
    err = bench("run", "short", "--model", "own", "--include", "own.py", code=2).err
    assert "the cell 'own' has no step in time; take another cell" in err


def test_stages_that_feed_back_for_other_steps_are_refused(bench):
    stages = "stages: [{name: near, task: {free_steps: 3}}, {name: far, task: {free_steps: 6}}]\n"
    bench.write("benchmarks/short.yaml", SHORT + stages)
    err = bench("run", "short", "--model", "rnn", code=2).err
    assert "scored at every step, 2 of them fed back, and" in err
    assert "scored at every step, 5 of them fed back; one network cannot learn both" in err


FORMS = {
    "tokens": (Tokens(3), 3, Targets.EVERY_STEP, 2),
    "images": (Images(1, 1, 1), 1, Targets.EVERY_STEP, 2),
    "another width": (Vectors(2), 1, Targets.EVERY_STEP, 2),
    "the last step": (Vectors(1), 1, Targets.LAST_STEP, 2),
    "a negative number": (Vectors(1), 1, Targets.EVERY_STEP, -1),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_output_that_is_no_input_cannot_be_fed_back(form):
    *form, steps = form
    assert Signature(*form).feedback_steps == 0
    with pytest.raises(ValueError, match="feedback_steps is a positive number only where"):
        Signature(*form, feedback_steps=steps)


FAULTS = {
    "no step left": ("feedback_steps=2", "feedback_steps=4", "has 4 `feedback_steps` in a sequ"),
    "lengths": (
        "x.clone())",
        'x.clone(), {"lengths": torch.full((count,), 3)})',
        "and its batches have `lengths`",
    ),
    "carried states": (
        "    def loss",
        "    def carries_state(self, split, index, size):\n        return True\n\n    def loss",
        "has `feedback_steps` and carries states over",
    ),
    "another form": ("Vectors(1), 1", "Vectors(1), 2", "feedback_steps is a positive number"),
}


def own_task():
    text = replaced(HEAD, "Targets.LAST_STEP", "Targets.EVERY_STEP, feedback_steps=2")
    return replaced(text, "x[0].clone()", "x.clone()")


def test_a_task_of_ones_own_has_feedback(bench):
    bench.write("own_task.py", own_task())
    bench.write("benchmarks/parity.yaml", PARITY)
    assert bench("run", "parity", "--include", "own_task.py", "-q").err == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_task_whose_feedback_means_nothing_is_told_so(fault, bench):
    old, new, sentence = FAULTS[fault]
    bench.write("own_task.py", replaced(own_task(), old, new))
    bench.write("benchmarks/parity.yaml", PARITY)
    err = bench("run", "parity", "--include", "own_task.py", "-q", code=3).err
    assert sentence in err
