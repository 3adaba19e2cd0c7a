"""Sequences of different lengths in one batch: each is computed as it would be by itself."""

from dataclasses import replace

import buildable
import pytest
import torch
from own_cells import TASK, replaced
from test_own_tasks import HEAD

from urnn_bench.engine.cuda_graph import CudaGraphUpdates
from urnn_bench.engine.evaluate import evaluate
from urnn_bench.engine.loop import train, train_run
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.events import Measured
from urnn_bench.kernels.choose import available
from urnn_bench.probes._trace import trace
from urnn_bench.registry import Components
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.tasks.base import Batch, masked_mean, step_mask

COMPONENTS = Components()
CPU = torch.device("cpu")
CELLS = COMPONENTS.cells.names()
SHORT = Fit(steps=6, batch=5, log_every=1, evaluate_every=3, dtype="float64", evaluate_batch=200)


def job_of(model, kernel="eager", seed=0, task="digit_columns", T=8):
    run = Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(name=task, options={"T": T}),
        cell=ComponentSpec(name=model),
        hidden=4,
        seed=seed,
        fit=SHORT,
    )
    return buildable.job_of(COMPONENTS, run, Backend("cpu", kernel))[0]


def first(job):
    """Return a batch whose sequences have 1 to 8 steps."""
    batch = job.task.batch("train", 0, 5, 0).to(CPU, torch.float64)
    return replace(batch, extras={"lengths": torch.tensor([8, 1, 5, 3, 8])})


def gradients_of(job, batch):
    job.model.zero_grad()
    output, _ = job.model(batch.x, (), batch.lengths)
    job.task.loss(output, batch).backward()
    return output, [p.grad.clone() for p in job.model.parameters() if p.grad is not None]


def kernels_of(model):
    job = job_of(model)
    return available(job.model.cell, "cpu")


@pytest.mark.parametrize("model", CELLS)
def test_each_sequence_is_answered_as_by_itself(model):
    for kernel in kernels_of(model):
        job = job_of(model, kernel)
        batch = first(job)
        output, _ = job.model(batch.x, (), batch.lengths)
        for b, length in enumerate(batch.lengths.tolist()):
            alone, _ = job.model(batch.x[:length, b : b + 1])
            torch.testing.assert_close(output[b : b + 1], alone, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("model", CELLS)
def test_what_follows_the_end_changes_no_bit_of_outputs_and_gradients(model):
    for kernel in kernels_of(model):
        job = job_of(model, kernel)
        batch = first(job)
        noise = torch.where(step_mask(batch)[..., None], batch.x, torch.randn_like(batch.x))
        assert not torch.equal(noise, batch.x)
        output, grads = gradients_of(job, batch)
        other_output, other_grads = gradients_of(job, replace(batch, x=noise))
        assert torch.equal(output, other_output), kernel
        # of the same zeros, which add up in another order where a kernel shares its products
        for one, two in zip(grads, other_grads, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)


def test_the_gradient_is_that_of_the_sequences_one_by_one():
    job = job_of("lstm")
    batch = first(job)
    _, together = gradients_of(job, batch)
    singles = []
    for b, length in enumerate(batch.lengths.tolist()):
        one = Batch(batch.x[:length, b : b + 1], batch.y[b : b + 1])
        singles.append(gradients_of(job, one)[1])
    for found, parts in zip(together, zip(*singles, strict=True), strict=True):
        torch.testing.assert_close(found, torch.stack(parts).mean(0), rtol=1e-9, atol=1e-12)


def curve(events):
    return [(e.step, e.split, e.metrics) for e in events if isinstance(e, Measured)]


def test_a_run_of_a_stack_learns_what_it_does_alone():
    jobs = share_strategy([job_of("lstm", seed=seed) for seed in range(3)])
    events = [[] for _ in jobs]
    for i, event in train(jobs, [TrainState() for _ in jobs]):
        events[i].append(event)
    assert jobs[0].strategy.reason == "there are no graphs on cpu", "every update was stacked"
    for seed, found in enumerate(events):
        alone = curve(train_run(job_of("lstm", seed=seed), TrainState()))
        for one, other in zip(curve(found), alone, strict=True):
            assert one[:2] == other[:2] and one[2] == pytest.approx(other[2], rel=1e-8)


def test_a_recorded_update_reads_the_lengths_of_its_own_batch():
    captured = CudaGraphUpdates(lambda body: body)
    recorded = replace(job_of("lstm"), strategy=captured)
    assert curve(train_run(recorded, TrainState())) == curve(
        train_run(job_of("lstm"), TrainState())
    )
    assert captured.name == "captured"


def test_scores_are_those_at_the_ends_for_every_size_of_evaluation_batches(monkeypatch):
    job = job_of("lstm")
    small, large = (evaluate(job.model, job.task, "test", size, 0) for size in (7, 400))
    assert small == pytest.approx(large, rel=1e-12)
    batch = job.task.batch("test", 0, 400, 0)
    single = batch.to(CPU, torch.float64)
    output = torch.cat(
        [job.model(single.x[:n, [b]])[0] for b, n in enumerate(batch.lengths.tolist())]
    )
    loss = float(job.task.loss(output.detach(), single))
    assert large["cross_entropy_nat"] == pytest.approx(loss, rel=1e-9)
    monkeypatch.setattr(job.task, "batch", lambda *_: replace(batch, extras={}))
    at_last = evaluate(job.model, job.task, "test", 400, 0)
    assert at_last["cross_entropy_nat"] != pytest.approx(loss, rel=1e-6)


def test_probes_find_no_gradient_after_the_end_of_a_sequence():
    job = job_of("lstm")
    batch = first(job)
    gradients = trace(job.model, job.task, batch).gradients["h"]
    is_there = gradients.abs().amax(-1) > 0
    assert torch.equal(is_there, step_mask(batch))


def test_lengths_differ_and_are_those_of_the_ink():
    batch = job_of("rnn", T=64).task.batch("validation", 0, 258, 0)
    assert len(batch.lengths.unique()) > 10
    steps = torch.arange(64)[:, None]
    assert not batch.x[..., 0][steps >= batch.lengths].any()
    assert (batch.x[batch.lengths - 1, torch.arange(258), 0] > 0).all()


def test_columns_are_the_same_images_as_rows():
    columns, rows = (job_of("rnn", task=task).task for task in ("digit_columns", "digits"))
    one, two = (task.batch("test", 0, 40, 0) for task in (columns, rows))
    assert torch.equal(one.x.permute(2, 1, 0), two.x) and torch.equal(one.y, two.y)


def test_a_mask_is_that_of_the_batch_or_of_its_lengths():
    x, y = torch.zeros(3, 2, 1), torch.zeros(3, 2)
    expected = torch.tensor([[1, 1], [1, 0], [0, 0]]).bool()
    lengths = torch.tensor([2, 1])
    assert torch.equal(step_mask(Batch(x, y, {"lengths": lengths})), expected)
    of_its_own = {"lengths": lengths, "mask": ~expected}
    assert torch.equal(step_mask(Batch(x, y, of_its_own)), ~expected)
    assert step_mask(Batch(x, y)).all() and step_mask(Batch(x, y)).shape == (3, 2)


def test_a_masked_mean_is_that_over_the_steps_that_count():
    values = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[1, 1], [1, 0], [0, 0]]).bool()
    torch.testing.assert_close(masked_mean(values, mask), values[mask].mean())
    torch.testing.assert_close(masked_mean(values[..., 0], mask), values[..., 0][mask].mean())
    masked_mean(torch.where(mask[..., None], values, torch.inf), mask).backward()
    assert torch.equal(values.grad.abs().amax(-1) > 0, mask) and values.grad.isfinite().all()


PADDED = replaced(
    replaced(
        replaced(HEAD, "Targets.LAST_STEP)", "Targets.EVERY_STEP)"),
        "return Batch(x, x[0].clone())",
        """\
lengths = torch.randint(1, self.options.T + 1, (count,), generator=rng)
        x = torch.where(torch.arange(self.options.T)[:, None, None] < lengths[:, None], x, PADDING)
        return Batch(x, x.cumsum(0), {"lengths": lengths})""",
    ),
    "return (output - batch.y).square().mean()",
    "return masked_mean((output - batch.y).square(), step_mask(batch))",
)
PADDED = replaced(
    PADDED, "    Batch, PoolOptions", "    Batch, masked_mean, step_mask, PoolOptions"
)
EVERY_STEP = """\
title: Padded
task: {name: own_task, validation_examples: 12, test_examples: 12}
T: [6]
hidden: 5
models: {rnn: }
fit: {steps: 6, batch: 3, evaluate_every: 2, log_every: 1}
"""


def test_a_masked_loss_at_every_step_does_not_see_the_padding(bench):
    bench.write("benchmarks/padded.yaml", EVERY_STEP)
    scores = []
    for padding in ("0.0", "3.0"):
        bench.write("own_task.py", PADDED.replace("PADDING", padding))
        run = ("run", "padded", "--include", "own_task.py", "--results", padding, "-q")
        bench(*run, "--threads", 1)
        [path] = bench.folder.glob(f"{padding}/*/*/metrics.csv")
        rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
        scores.append([float(row[-1]) for row in rows])
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_a_readout_that_averages_over_the_padding_is_refused(bench):
    bench.write("benchmarks/padded.yaml", EVERY_STEP)
    bench.write("own_task.py", PADDED.replace("PADDING", "0.0"))
    run = ("run", "padded", "--include", "own_task.py", "--threads", 1, "-q", "--set")
    bench(*run, "readout={name: mlp, norm: layer}")
    err = bench(*run, "readout={name: mlp, norm: batch}", code=3).err
    assert "the readout's batch normalisation takes its means over all time steps" in err


PADDING_READ = {"block={norm: batch}": "its means over all"}


@pytest.mark.parametrize("setting", PADDING_READ)
def test_a_network_that_reads_the_padding_is_refused(setting, bench):
    bench.write("benchmarks/columns.yaml", COLUMNS)
    err = bench("run", "columns", "--set", setting, "--threads", 1, "-q", code=3).err
    assert "ComponentError" in err and PADDING_READ[setting] in err


COLUMNS = """\
title: Columns
task: {name: digit_columns}
T: [8]
hidden: 4
models: {lstm: }
fit: {steps: 2, batch: 3, evaluate_every: 2}
"""
CARRIED = """\
    def carries_state(self, split, index, size):
        return True

    def loss"""
FAULTS = {
    "carried": (
        "x.sum(0) % 2, {'lengths': torch.ones(count).long()})",
        "carries states over and its batches have `lengths`",
    ),
    "too_long": ("x.sum(0) % 2, {'lengths': torch.full((count,), 9)})", "has 9 to 9 steps"),
    "none": ("x.sum(0) % 2, {'lengths': torch.zeros(count).long()})", "a sequence has 1 to 4"),
    "real": ("x.sum(0) % 2, {'lengths': torch.ones(count)})", "must be 3 integers of int64"),
    "list": ("x.sum(0) % 2, {'lengths': [1] * count})", "must be 3 integers of int64"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_lengths_that_no_network_can_answer_at_are_refused(fault, bench):
    new, sentence = FAULTS[fault]
    source = replaced(TASK, "x.sum(0) % 2)", new)
    if fault == "carried":
        source = replaced(source, "    def loss", CARRIED)
    bench.write("own_task.py", source)
    bench.write("benchmarks/padded.yaml", EVERY_STEP.replace("T: [6]", "T: [4]"))
    err = bench("run", "padded", "--include", "own_task.py", "-q", code=3).err
    assert "ComponentError: the task Sum" in err and sentence in err
