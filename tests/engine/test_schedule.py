"""Learning rates that change over updates, and those of recurrent parameters."""

from math import cos, pi

import pytest
import torch

from urnn_bench.engine import optim
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.registry import Components
from urnn_bench.run import build, checkpoint
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit, Sgd
from urnn_bench.spec.run import Run
from urnn_bench.spec.schedule import Schedule
from urnn_bench.spec.types import ComponentSpec

COMPONENTS = Components()
COSINE = {"name": "cosine", "warm_up": 3, "end": 0.1}


def run_of(model="lstm", **fit):
    return Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(
            name="copying", options={"T": 5, "validation_examples": 4, "test_examples": 4}
        ),
        hidden=6,
        seed=0,
        cell=ComponentSpec(name=model),
        fit=Fit.model_validate({"steps": 12, "batch": 4, "dtype": "float64", **fit}),
    )


def job_of(run):
    return build.job_of(COMPONENTS, run, Backend("cpu", "eager"))[0]


def weights_after(job, state=None):
    list(train_run(job, state or TrainState()))
    return {name: value.clone() for name, value in job.model.state_dict().items()}


def test_share_is_a_line_then_half_a_cosine():
    shares = [Schedule(**COSINE).share(step, 13) for step in range(13)]
    assert shares[:4] == pytest.approx([0.25, 0.5, 0.75, 1])
    expected = [0.1 + 0.9 * (1 + cos(pi * t / 10)) / 2 for t in range(10)]
    assert shares[3:] == pytest.approx(expected)
    assert Schedule(name="linear").share(6, 12) == pytest.approx(0.5)
    assert {Schedule(name="constant").share(step, 12) for step in range(12)} == {1.0}


def test_every_update_has_its_share_of_the_rate(monkeypatch):
    """One SGD step is as long as its learning rate: the definition, beside the loop."""
    run = run_of(schedule=COSINE, optimizer={"name": "sgd", "lr": 0.1})
    job, seen = job_of(run), []
    step = job.optimizer.step
    monkeypatch.setattr(
        job.optimizer, "step", lambda: (seen.append(job.optimizer.param_groups[0]["lr"]), step())
    )
    weights_after(job)
    assert seen == [0.1 * Schedule(**COSINE).share(step, 12) for step in range(12)]
    assert job.optimizer.param_groups[0]["lr"] == 0.1


def test_a_constant_schedule_changes_nothing():
    found, expected = (weights_after(job_of(run_of(**s))) for s in ({"schedule": "constant"}, {}))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_run_goes_on_to_the_byte(tmp_path):
    run = run_of(schedule=COSINE, optimizer={"name": "adamw", "lr": 0.01})
    job, state = job_of(run), TrainState()
    for event in train_run(job, state):
        if getattr(event, "step", 0) == 5 and state.step == 5:
            break
    checkpoint.save(tmp_path / "checkpoint.pt", job, state, "id", {})
    job = job_of(run)
    state = checkpoint.restore(checkpoint.load(tmp_path / "checkpoint.pt", "id"), job)
    found, expected = weights_after(job, state), weights_after(job_of(run))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_recurrent_parameters_have_a_rate_and_a_decay_of_their_own():
    settings = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1}
    job = job_of(run_of(optimizer=settings, recurrent={"lr": 1e-3, "weight_decay": 0.0}))
    rest, recurrent = job.optimizer.param_groups
    assert {id(p) for p in recurrent["params"]} == {id(p) for p in job.model.cell.parameters()}
    assert {id(p) for p in rest["params"]} == {id(p) for p in job.model.readout.parameters()}
    assert (recurrent["lr"], recurrent["weight_decay"]) == (1e-3, 0.0)
    assert (rest["lr"], rest["weight_decay"]) == (0.01, 0.1)


def test_an_orthogonal_matrix_has_its_rate_and_the_decay_of_recurrent_parameters():
    settings = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1}
    own = {"orthogonal_lr": 1e-4, "recurrent": {"lr": 1e-3, "weight_decay": 0.0}}
    job = job_of(run_of(model="dtriv", optimizer=settings, **own))
    _, orthogonal, recurrent = job.optimizer.param_groups
    assert [id(p) for p in orthogonal["params"]] == [id(job.model.cell.skew)]
    assert (orthogonal["lr"], orthogonal["weight_decay"]) == (1e-4, 0.0)
    assert (recurrent["lr"], recurrent["weight_decay"]) == (1e-3, 0.0)


def test_a_parameter_is_of_the_first_group_that_has_it():
    params = [torch.nn.Parameter(torch.ones(1)) for _ in range(3)]
    own = [([params[1]], {"lr": 0.2}), (params[:2], {"lr": 0.3}), (params, {"lr": None})]
    groups = optim.make(Sgd(name="sgd", lr=0.1), params, own).param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert [rates[id(p)] for p in params] == [0.3, 0.2, 0.1]


def test_keys_that_are_not_used_leave_the_identity():
    assert run_of().identity == run_of(schedule=None, recurrent=None).identity
    used = [run_of(schedule="cosine"), run_of(schedule=COSINE), run_of(recurrent={"lr": 0.1})]
    assert len({run.identity for run in [run_of(), *used]}) == 4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["fit.schedule=cosin"], "must be 'constant', 'linear' or 'cosine', not 'cosin'"),
        (["fit.schedule={warm_up: 6}"], "'schedule.warm_up' is 6; it must be below the 6 'steps'"),
        (["fit.schedule={end: 2}"], "fit.schedule={end: 2}: must be at most 1, not 2"),
        (["fit.recurrent={}"], "give 'lr', 'weight_decay' or both"),
        (["fit.recurrent={weight_decay: 0.1}"], "'rmsprop_paper' has no weight decay"),
        (
            ["fit.optimizer.name=sgd", "fit.recurrent={lr: 10, weight_decay: 0.2}"],
            "fit.recurrent={lr: 10, weight_decay: 0.2}",
        ),
    ],
)
def test_wrong_values_are_one_sentence(bench, settings, said):
    arguments = [part for setting in settings for part in ("--set", setting)]
    done = bench("run", "tiny", *arguments, code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


def test_a_run_with_a_schedule_is_recorded(bench):
    bench("run", "tiny", "--model", "lstm", "--set", "fit.schedule={name: cosine, warm_up: 2}")
    (path,) = bench.folder.glob("results/tiny/lstm-*/run.json")
    assert '"warm_up": 2' in path.read_text()
