"""An input that is shown for many steps is one tensor, and gives what its copies would give."""

import json

import pytest
import torch

from urnn_bench.engine.draws import batch_of
from urnn_bench.models import SequenceModel, _stack_inputs
from urnn_bench.registry import Components
from urnn_bench.run import build, provenance
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Batch, Images, Signature, Task, is_static

T, B = 1000, 4


def task(steps=T):
    kind = Components().tasks.get("static_digits", Task)
    return kind(kind.Options(T=steps))


def bytes_of(tensor):
    return tensor.untyped_storage().nbytes()


def test_all_steps_are_one_image():
    batch = task().batch("train", 0, B, seed=0)
    assert batch.x.shape == (T, B, 64) and is_static(batch.x)
    assert bytes_of(batch.x) == B * 64 * 8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_moving_a_batch_keeps_one_step(dtype):
    batch = task().batch("train", 0, B, seed=0)
    moved = batch.to(torch.device("cpu"), dtype)
    assert bytes_of(moved.x) <= B * 64 * 8 and is_static(moved.x)
    copied = Batch(batch.x.contiguous(), batch.y).to(torch.device("cpu"), dtype)
    assert torch.equal(moved.x, copied.x) and moved.x.dtype == dtype


def test_a_stack_keeps_one_step_of_every_model():
    xs = [task().batch("train", i, B, seed=0).x for i in range(3)]
    stacked = _stack_inputs(xs)
    assert torch.equal(stacked, torch.stack(xs)) and bytes_of(stacked) == 3 * B * 64 * 8


def test_inputs_that_are_not_static_are_stacked_as_ever():
    xs = [torch.randn(5, 2, 3), torch.randn(5, 2, 3)]
    assert torch.equal(_stack_inputs(xs), torch.stack(xs))


def run_of(steps):
    return Run.model_validate(
        {
            "benchmark": "b",
            "label": "rnn",
            "task": {"name": "static_digits", "options": {"T": steps}},
            "cell": {"name": "rnn"},
            "hidden": 4,
            "fit": Fit(batch=B),
            "seed": 0,
        }
    )


def test_the_fingerprint_is_that_of_the_copies(monkeypatch):
    job, _ = build.job_of(Components(), run_of(50), Backend("cpu", "eager"))
    found = provenance.fingerprint(job)

    def copies(*arguments):
        batch = batch_of(*arguments)
        return Batch(batch.x.contiguous(), batch.y)

    monkeypatch.setattr(provenance, "batch_of", copies)
    assert provenance.fingerprint(job) == found


@pytest.mark.parametrize("kernel", ["eager", "bptt", "c"])
def test_kernels_compute_what_they_compute_of_copies(kernel):
    job, choice = build.job_of(Components(), run_of(6), Backend("cpu", kernel))
    assert isinstance(job.model, SequenceModel) and choice.name == kernel
    batch = job.task.batch("train", 0, B, 0).to(job.device, job.dtype)
    outputs = [job.model(x)[0] for x in (batch.x, batch.x.contiguous())]
    torch.testing.assert_close(*outputs, rtol=1e-6, atol=1e-6)


def test_the_signature_says_the_shape_of_the_image():
    inputs = task().signature.inputs
    assert inputs == Images(1, 8, 8) and inputs.shape == (1, 8, 8) and inputs.width == 64
    assert isinstance(task().signature, Signature)


def test_any_number_of_steps_trains_alone_and_in_a_stack(bench):
    bench.write(
        "benchmarks/images.yaml",
        "title: t\ntask: {name: static_digits}\nT: [7]\nhidden: 8\nmodels: {lstm: , rnn: }\n"
        "fit: {steps: 4, batch: 10, evaluate_every: 2}\n",
    )
    bench("run", "images", "--seeds", 2, "--stacked", "-q")
    rows = json.loads(bench("table", "images", "--json").out)
    assert {row["model"]: row["good"] for row in rows} == {"lstm": 2, "rnn": 2}
