"""The probe of rounding: gradients of the weights in two precisions, and their difference."""

from math import inf, isnan

import pytest
import torch

from urnn_bench.probes._trace import Trace, trace
from urnn_bench.probes.gradient_precision import GradientPrecision
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

B = 4


def read(gradients):
    trace = Trace(None, None, None, (), {}, {}, gradients)
    (value,) = GradientPrecision(GradientPrecision.Options()).read(trace).values()
    return float(value)


def given(single, double):
    values = {torch.float32: single, torch.float64: double}
    return read(lambda dtype: torch.tensor(values[dtype], dtype=dtype))


def job_of(cell, T, task="copying", dtype="float32", hidden=6):
    options = {"T": T, "recall": 2} if task == "copying" else {"T": T}
    run = Run(
        benchmark="test",
        label=cell,
        task=ComponentSpec(name=task, options=options),
        cell=ComponentSpec(name=cell),
        hidden=hidden,
        fit=Fit(batch=B, dtype=dtype),
        seed=0,
    )
    return build.job_of(Components(), run, Backend("cpu", "auto"))[0]


def test_it_is_the_relative_difference_of_the_whole_vector():
    assert given([3.0, 4.5], [3.0, 4.0]) == pytest.approx(0.1)
    assert given([3.0, 4.0], [3.0, 4.0]) == 0
    assert given([-3.0, -4.0], [3.0, 4.0]) == pytest.approx(2)


@pytest.mark.parametrize("single", [inf, -inf, float("nan")])
def test_it_is_infinite_where_float32_has_no_gradient(single):
    assert given([single, 1.0], [1.0, 1.0]) == inf


@pytest.mark.parametrize("double", [0.0, inf, float("nan")])
def test_it_is_nan_where_float64_has_none_either(double):
    assert isnan(given([1.0], [double]))


@pytest.mark.parametrize("task", ["copying", "adding"])
@pytest.mark.parametrize("cell", ["urnn", "lstm", "dtriv"])
def test_its_gradients_are_those_of_training(cell, task):
    """A training step's, in either precision, at weights that float32 has."""
    made, exact = (job_of(cell, 10, task, dtype) for dtype in ("float32", "float64"))
    exact.model.load_state_dict(made.model.state_dict())
    batch = made.task.batch("validation", 0, B, 0)
    single = batch.to(torch.device("cpu"), torch.float32)
    weights_gradient = trace(exact.model, exact.task, batch).weights_gradient
    for job, dtype, rtol in ((made, torch.float32, 1e-4), (exact, torch.float64, 1e-10)):
        b = single.to(torch.device("cpu"), dtype)
        job.task.loss(job.model(b.x)[0], b).backward()
        expected = torch.cat([
            (torch.view_as_real(p.grad) if p.is_complex() else p.grad).flatten()
            for p in job.model.parameters()
        ])  # fmt: skip
        found = weights_gradient(dtype)
        assert found.dtype == dtype and torch.any(found != 0)
        difference = torch.linalg.vector_norm(found - expected)
        assert difference <= rtol * torch.linalg.vector_norm(expected)


def test_short_sequences_lose_nothing_to_rounding():
    made = job_of("urnn", 10)
    seen = trace(made.model, made.task, made.task.batch("validation", 0, B, 0))
    assert 1e-9 < read(seen.weights_gradient) < 1e-5


def test_a_recurrence_that_amplifies_rounding_loses_its_gradient():
    """A tanh network with a large matrix is chaotic: two precisions part within 200 steps."""
    made = job_of("rnn", 200, "adding", hidden=64)
    with torch.no_grad():
        made.model.cell.w_h.mul_(4)
    seen = trace(made.model, made.task, made.task.batch("validation", 0, B, 0))
    assert read(seen.weights_gradient) > 0.5


def test_it_is_recorded_as_one_number_of_every_probed_update(bench):
    bench("run", "tiny", "--model", "urnn", "--model", "lstm", "--probe", "-q",
          "--set", "probes.at=[0,3]", "--set", "probes.read=[gradient_precision]")  # fmt: skip
    for run in bench.runs():
        lines = (run / "metrics.csv").read_text().splitlines()
        assert sum(",probe,gradient_precision," in line for line in lines) == 2
