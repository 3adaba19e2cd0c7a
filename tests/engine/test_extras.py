"""Tensors that a batch has beside x and y reach the loss wherever an update is computed."""

import csv
import hashlib
from dataclasses import dataclass, replace

import pytest
import torch
from own_cells import TASK, replaced
from test_own_tasks import HEAD

from urnn_bench.engine.cuda_graph import CudaGraphUpdates
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.errors import ComponentError
from urnn_bench.events import Measured
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.run.provenance import fingerprint
from urnn_bench.run.resolve import include
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.tasks.base import Batch

CPU = torch.device("cpu")
SUM = "return Batch(x, x.sum(0) % 2)"
LOSS = "cross_entropy(output, batch.y)"
# a weight for each sequence, one for each step of it, and one for each column
WEIGHTED = replaced(
    replaced(
        TASK,
        SUM,
        """\
return Batch(x, x.sum(0) % 2, {
            "of_sequence": torch.rand(count, generator=rng, dtype=torch.float64),
            "of_step": torch.rand(self.options.T, count, generator=rng, dtype=torch.float64),
            "of_row": torch.randint(1, 3, (1, count, self.options.T), generator=rng),
        })""",
    ),
    f"torch.nn.functional.{LOSS}",
    "(torch.nn.functional.cross_entropy(output, batch.y, reduction='none')"
    " * batch.extras['of_sequence'] * batch.extras['of_step'].mean(0)"
    " * batch.extras['of_row'].sum((0, 2))).mean()",
)
BENCHMARK = """\
title: Weighted
task: {name: own_task, validation_examples: 130, test_examples: 60}
T: [50]
hidden: 5
models: {rnn: }
fit: {steps: 12, batch: 3, evaluate_every: 4, log_every: 1, dtype: float64, evaluate_batch: 500}
"""


@pytest.fixture
def weighted(bench):
    bench.write("own_task.py", WEIGHTED)
    bench.write("benchmarks/weighted.yaml", BENCHMARK)
    return bench


def job_of(folder, **changed):
    run = Run(
        benchmark="b",
        label="rnn",
        task=ComponentSpec(name="own_task", options={"T": 6, "validation_examples": 60}),
        cell=ComponentSpec(name="rnn"),
        hidden=4,
        seed=0,
        fit=Fit(steps=10, batch=3, log_every=1, evaluate_every=5),
    )
    components = include(Components(), [folder / "own_task.py"])
    return replace(build.job_of(components, run, Backend("cpu", "eager"))[0], **changed)


def curves(bench, results):
    paths = sorted((bench.folder / results).glob("*/*/metrics.csv"))
    rows = [[*csv.DictReader(path.read_text().splitlines())] for path in paths]
    return [[float(row["value"]) for row in of_run] for of_run in rows]


def train(bench, results, *arguments):
    own = ("--include", "own_task.py", "--threads", 1, "-q", "--results", results)
    bench("run", "weighted", *own, *arguments)
    return curves(bench, results)


def test_extras_have_an_order_of_their_own_and_only_real_ones_change_their_type():
    x, ones = torch.zeros(2, 3, 1), torch.ones(3)
    batch = Batch(x, ones, {"b": ones.bool(), "a": 2 * ones, "c": ones.long()})
    moved = batch.to(CPU, torch.float64)
    assert [t.dtype for t in moved.tensors()] == [
        torch.float64,
        torch.float64,
        torch.float64,
        torch.bool,
        torch.int64,
    ]
    assert torch.equal(moved.extras["a"], 2 * ones.double())
    assert batch.form() == Batch(x, ones, dict(reversed(batch.extras.items()))).form()
    assert batch.form() != Batch(x, ones, {"b": ones.bool(), "a": 2 * ones}).form()


def test_other_names_are_another_form():
    one, two = (Batch(torch.zeros(1, 1), torch.zeros(1), {n: torch.zeros(1)}) for n in "ab")
    assert one.form() != two.form()


def test_a_batch_without_extras_is_made_and_compared_as_before():
    assert Batch(torch.zeros(1, 1), torch.zeros(1)).extras == {}
    assert isinstance(hash(Batch(torch.zeros(1, 1), torch.zeros(1))), int)


def test_stacked_runs_train_as_alone_and_pools_do_not_depend_on_the_batch(weighted):
    alone = train(weighted, "alone", "--seeds", 3)
    assert len(alone) == 3 and all(alone)
    for found, expected in zip(
        train(weighted, "stacked", "--seeds", 3, "--stacked"), alone, strict=True
    ):
        assert found == pytest.approx(expected, rel=1e-8)
    small = train(weighted, "small", "--set", "fit.evaluate_batch=7", "--seeds", 3)
    for found, expected in zip(small, alone, strict=True):
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_recorded_update_reads_the_extras_of_its_own_batch(weighted):
    def curve(**changed):
        events = train_run(job_of(weighted.folder, **changed), TrainState())
        return [(e.step, e.split, e.metrics) for e in events if isinstance(e, Measured)]

    captured = CudaGraphUpdates(lambda body: body)
    assert curve(strategy=captured) == curve()
    assert captured.name == "captured"


def test_probes_read_a_loss_with_extras(weighted):
    train(weighted, "probed", "--probe", "--set", "probes.at=[0]")
    assert list(weighted.folder.glob("probed/*/*/probes.csv"))


def test_a_fingerprint_without_extras_is_what_it_was(weighted, monkeypatch):
    job = job_of(weighted.folder)
    batch = job.task.batch("train", 0, 3, 0)
    plain = Batch(batch.x, batch.y)

    def digest_of(given):
        with monkeypatch.context() as patch:
            patch.setattr(job.task, "batch", lambda *_: given)
            return fingerprint(job)["train"]

    expected = hashlib.sha256()
    for tensor in (batch.x, batch.y):
        expected.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        expected.update(tensor.numpy().tobytes())
    assert digest_of(plain) == expected.hexdigest()
    zeros = torch.zeros(3)
    others = [{}, {"a": zeros}, {"b": zeros}, {"a": zeros + 1}, {"a": zeros, "b": zeros}]
    assert len({digest_of(replace(plain, extras=extras)) for extras in others}) == len(others)


def test_a_field_of_ones_own_is_refused_with_what_to_write():
    @dataclass(frozen=True)
    class Masked(Batch):
        mask: torch.Tensor | None = None

    with pytest.raises(ComponentError, match=r"'Masked' has the field 'mask', .* extras=\{'mask'"):
        Masked(torch.zeros(1, 1), torch.zeros(1), mask=torch.ones(1))


def test_a_subclass_without_a_field_stays_one():
    class Named(Batch):
        """A batch with methods of its own."""

    batch = Named(torch.zeros(1, 1), torch.zeros(1)).to(CPU, torch.float64)
    assert type(batch) is Named


MASKED = """\
from dataclasses import dataclass


@dataclass(frozen=True)
class Masked(Batch):
    mask: object = None


class First"""
NEXT = "NEXT = [torch.ones(1, 3) * i for i in range(99)]\n\n\nclass First"
END = "x[0].clone())"
# what of the task is replaced, and a part of the sentence
FAULTS = {
    "a_field": (
        {"class First": MASKED, "return Batch(": "return Masked("},
        "give Batch extras={'mask': ...}",
    ),
    "without_batch": (
        {END: "x[0].clone(), {'mask': torch.ones(7)})"},
        "the extra 'mask' of shape (7,); it must be (B)",
    ),
    "no_tensor": ({END: "x[0].clone(), {'mask': [1]})"}, "a value of type list"),
    "another_each_time": (
        {END: "x[0].clone(), {'mask': NEXT.pop()})", "class First": NEXT},
        "another batch for the same arguments",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_extras_of_a_wrong_form_are_told_before_training(fault, bench):
    parts, sentence = FAULTS[fault]
    source = HEAD
    for old, new in parts.items():
        source = replaced(source, old, new)
    bench.write("own_task.py", source)
    bench.write("benchmarks/weighted.yaml", BENCHMARK)
    err = bench("run", "weighted", "--include", "own_task.py", "-q", code=3).err
    assert "ComponentError: " in err and sentence in err
