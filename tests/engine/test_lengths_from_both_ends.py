"""Bidirectional layers on sequences of different lengths: each is read from its own end."""

import json
from dataclasses import replace
from itertools import product

import pytest
import torch
from test_lengths import COLUMNS, COMPONENTS, CPU, PADDED, SHORT, curve
from torch.utils._pytree import tree_map

from urnn_bench.engine.loop import train, train_run
from urnn_bench.engine.stacked_check import share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.run.feature_cache import feature_cache_of
from urnn_bench.spec.layers import Block
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

CELLS = ("rnn", "lstm", "gru", "echo_state", "mring_esn")
POOLS = ("last", "mean", "max", "last_and_mean")
GATED = Block(mixer="glu")
LAYERS = {
    "one": {},
    "two": {"layers": 2},
    "one_in_a_block": {"block": GATED},
    "two_in_blocks": {"layers": 2, "block": GATED},
    "post": {"layers": 2, "block": Block(norm="rms", position="post")},
}
# one that fills the batch, one of a single step
LENGTHS = torch.tensor([8, 1, 5, 3, 8])


def job_of(cell="lstm", seed=0, pool=None, readout="linear", fit=SHORT, **layers):
    run = Run(
        benchmark="b",
        label=cell,
        task=ComponentSpec(name="digit_columns", options={"T": 8}),
        cell=ComponentSpec(name=cell),
        readout=ComponentSpec(name=readout),
        pool=pool,
        hidden=4,
        seed=seed,
        fit=fit,
        bidirectional=True,
        **layers,
    )
    return build.job_of(COMPONENTS, run, Backend("cpu", "auto"))[0]


def padded(job, padding=torch.nan):
    """Return x whose sequences have 1 to 8 steps, and what follows them."""
    x = job.task.batch("train", 0, 5, 0).to(CPU, torch.float64).x
    inside = (torch.arange(len(x))[:, None] < LENGTHS)[..., None]
    x = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=x.dtype)
    return torch.where(inside, x, padding)


def gradients(model, x, lengths, weight):
    """Return the output for x, and the gradients to x and to all parameters."""
    model.zero_grad()
    x = x.clone().requires_grad_()
    output, _ = model(x, (), lengths)
    (output * weight).sum().backward()
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    return output.detach(), x.grad, [g.clone() for g in grads]


@pytest.mark.parametrize(("cell", "layers", "pool"), [*product(CELLS, LAYERS, POOLS)])
def test_each_sequence_is_read_as_by_itself(cell, layers, pool):
    """Outputs and gradients are those without padding, and NaN in the padding goes nowhere."""
    model = job_of(cell, pool=pool, **LAYERS[layers]).model
    x = padded(job_of())
    weight = torch.randn(5, 10, generator=torch.Generator().manual_seed(2), dtype=x.dtype)
    output, to_x, to_parameters = gradients(model, x, LENGTHS, weight)
    of_singles = []
    for b, length in enumerate(LENGTHS.tolist()):
        one = x[:length, b : b + 1]
        alone, to_one, of_one = gradients(model, one, None, weight[b : b + 1])
        torch.testing.assert_close(output[b : b + 1], alone, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(to_x[:length, b : b + 1], to_one, rtol=1e-9, atol=1e-11)
        assert to_one.any() and not to_x[length:, b].any()
        of_singles.append(of_one)
    for found, parts in zip(to_parameters, zip(*of_singles, strict=True), strict=True):
        torch.testing.assert_close(found, torch.stack(parts).sum(0), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layers", LAYERS)
def test_features_over_time_are_those_of_the_sequence_by_itself(layers):
    model = job_of(**LAYERS[layers]).model
    x = padded(job_of())
    hs, last = model.states(x, (), LENGTHS)
    for b, length in enumerate(LENGTHS.tolist()):
        alone, end = model.states(x[:length, b : b + 1], ())
        torch.testing.assert_close(hs[:length, b : b + 1], alone, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(last[0][b : b + 1], end[0], rtol=1e-9, atol=1e-11)


def test_features_of_a_layer_are_zero_after_the_end():
    hs, _ = job_of().model.states(padded(job_of()), (), LENGTHS)
    for b, length in enumerate(LENGTHS.tolist()):
        assert not hs[length:, b].any() and hs[:length, b].all()


@pytest.mark.parametrize("layers", LAYERS)
def test_full_sequences_are_those_without_lengths(layers):
    model = job_of(**LAYERS[layers]).model
    x = torch.randn(8, 5, 8, dtype=torch.float64)
    full, _ = model(x, (), torch.full((5,), 8))
    torch.testing.assert_close(full, model(x)[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("cell", "layers"), [*product(CELLS, LAYERS)])
def test_a_stack_is_each_network_by_itself(cell, layers):
    models = [job_of(cell, seed=seed, **LAYERS[layers]).model for seed in range(2)]
    x = torch.stack([padded(job_of(), 0.0), padded(job_of(), 0.0).roll(1, 1)])
    lengths = torch.stack([LENGTHS, LENGTHS.roll(1)])
    trees = [(m.initial_state(x[0], ()), m.cell.weights()) for m in models]
    first, w = tree_map(lambda *tensors: torch.stack(tensors), *trees)
    hs, last = models[0].kernel.padded_stacked(x, first, w, lengths)
    for m, model in enumerate(models):
        one, end = model.states(x[m], (), lengths[m])
        torch.testing.assert_close(hs[m], one, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(last[0][m], end[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layers", ["one", "two_in_blocks"])
def test_a_run_of_a_stack_learns_what_it_does_alone(layers):
    made = [job_of(seed=seed, **LAYERS[layers]) for seed in range(3)]
    jobs, events = share_strategy(made), [[], [], []]
    for i, event in train(jobs, [TrainState() for _ in jobs]):
        events[i].append(event)
    assert jobs[0].strategy.reason == "there are no graphs on cpu", "every update was stacked"
    for seed, found in enumerate(events):
        single = curve(train_run(job_of(seed=seed, **LAYERS[layers]), TrainState()))
        for one, other in zip(curve(found), single, strict=True):
            assert one[:2] == other[:2] and one[2] == pytest.approx(other[2], rel=1e-8)


def test_features_that_are_kept_are_those_computed_in_every_update():
    made, plain = job_of("echo_state"), replace(job_of("echo_state"), features=None)
    assert feature_cache_of(made.model, made.task, 5, 0) and made.features is not None
    for one, other in zip(
        curve(train_run(made, TrainState())), curve(train_run(plain, TrainState())), strict=True
    ):
        assert one[:2] == other[:2] and one[2] == pytest.approx(other[2], rel=1e-8)


EVERY_STEP = """\
title: Padded
task: {name: own_task, validation_examples: 12, test_examples: 12}
T: [6]
hidden: 5
models: {lstm: {bidirectional: true}}
fit: {steps: 6, batch: 3, evaluate_every: 2, log_every: 1}
"""


def scores_of(folder, results):
    [path] = folder.glob(f"{results}/*/*/metrics.csv")
    return [float(line.split(",")[-1]) for line in path.read_text().splitlines()[1:]]


def test_a_masked_loss_at_every_step_does_not_see_the_padding(bench):
    bench.write("benchmarks/padded.yaml", EVERY_STEP)
    for padding in ("0.0", "3.0"):
        bench.write("own_task.py", PADDED.replace("PADDING", padding))
        run = ("run", "padded", "--include", "own_task.py", "--results", padding, "-q")
        bench(*run, "--threads", 1)
    assert scores_of(bench.folder, "0.0") == scores_of(bench.folder, "3.0")


MODELS = {
    "trained": "lstm: {bidirectional: true, layers: 2}",
    "untrained": "echo_state: {bidirectional: true, readout: {name: mlp, norm: batch}}",
    "solved": "echo_state: {bidirectional: true, readout: ridge}",
}


@pytest.mark.parametrize("models", MODELS)
def test_a_run_from_the_command_line_is_done(models, bench):
    bench.write("benchmarks/columns.yaml", COLUMNS.replace("lstm: ", MODELS[models]))
    bench("run", "columns", "--threads", 1, "-q")
    [record] = bench.folder.glob("results/*/*/run.json")
    assert json.loads(record.read_text())["status"] == "done"


def test_a_batch_norm_between_the_layers_is_refused(bench):
    bench.write("benchmarks/columns.yaml", COLUMNS)
    settings = ("--set", "bidirectional=true", "--set", "block={norm: batch}")
    err = bench("run", "columns", *settings, "--threads", 1, "-q", code=3).err
    assert "batch normalisation takes its means over all time steps" in err
