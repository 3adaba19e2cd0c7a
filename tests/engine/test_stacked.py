"""The runs of a stack learn what each would by itself."""

import buildable
import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.engine.loop import train, train_run
from urnn_bench.engine.stacked import execute_updates
from urnn_bench.engine.stacked_check import CheckedStack, share_strategy
from urnn_bench.engine.train_state import TrainState
from urnn_bench.engine.update import UpdateRequest
from urnn_bench.events import Ended, Measured
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.device import Backend, update_threads
from urnn_bench.run.resolve import include
from urnn_bench.spec.fit import Clip, Fit, RmspropPaper
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

COMPONENTS = Components()
SIZES = {"T": 6, "validation_examples": 6, "test_examples": 6}
HAVE_STABILISER = {
    name
    for name in COMPONENTS.cells.names()
    if "stabiliser" in COMPONENTS.cells.get(name, Cell).Options.model_fields
}


def kernels(device):
    """Yield the cells with their time loop and every kernel of a stack that such a device has."""
    for name in COMPONENTS.cells.names():
        yield name, "eager"
        for kernel, implementation in COMPONENTS.cells.get(name, Cell).kernels.items():
            if implementation.stacked is not None and device in implementation.devices:
                yield name, kernel


def run_of(model="lstm", seed=0, lr=1e-3, hidden=6, **fit):
    fit = {
        "steps": 100,
        "batch": 4,
        "log_every": 10,
        "evaluate_every": 25,
        "dtype": "float64",
        "clip": Clip(norm=1.0),
        "optimizer": RmspropPaper(lr=lr),
        **fit,
    }
    # Adam's own stabiliser lets the gradient of a drive of zero be 1e8, and rounding grow as much
    options = {"stabiliser": 1e-3} if model in HAVE_STABILISER else {}
    return Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(name="copying", options=SIZES),
        hidden=hidden,
        seed=seed,
        cell=ComponentSpec(name=model, options=options),
        fit=Fit(**fit),
    )


def job_of(run, kernel="eager", device="cpu"):
    return buildable.job_of(COMPONENTS, run, Backend(device, kernel))[0]


def scores(events):
    kept = [e for e in events if isinstance(e, Measured | Ended)]
    return [(e.step, e.split, dict(e.metrics)) if isinstance(e, Measured) else e for e in kept]


def curve_of(job):
    """The scores and the end of a run that is trained by itself."""
    return scores(train_run(job, TrainState()))


def curves_of(jobs, threads=None):
    """The scores and the end of every run of a stack; the message of one that raises."""
    events = [[] for _ in jobs]
    for i, event in train(jobs, [TrainState() for _ in jobs], threads=threads):
        events[i].append(event)
    return [str(e[-1]) if isinstance(e[-1], Exception) else scores(e) for e in events]


def break_after(job, calls, monkeypatch):
    """Let a job's loss raise after so many calls."""
    sound, seen = job.task.loss, []

    def failing(output, batch):
        seen.append(1)
        if len(seen) > calls:
            raise RuntimeError("the task is broken")
        return sound(output, batch)

    monkeypatch.setattr(job.task, "loss", failing)


def assert_equal(found, expected, rel):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, Ended):
            assert one == other
            continue
        assert one[:2] == other[:2]
        assert one[2] == pytest.approx(other[2], rel=rel, nan_ok=True)


@pytest.mark.parametrize(("model", "kernel"), list(kernels("cpu")))
def test_every_run_of_a_stack_has_the_curve_of_a_single_run(model, kernel):
    """In float64, over 50 updates, for every cell and every kernel that can."""
    runs = [run_of(model, seed, lr, steps=50) for seed, lr in ((0, 1e-3), (1, 1e-3), (0, 1e-2))]
    jobs = share_strategy([job_of(run, kernel) for run in runs])
    assert all(job.stacked_forward for job in jobs)
    curves = curves_of(jobs)
    assert jobs[0].strategy.reason == "there are no graphs on cpu", "every update was stacked"
    for curve, run in zip(curves, runs, strict=True):
        assert_equal(curve, curve_of(job_of(run, kernel)), 1e-8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize(("model", "kernel"), list(kernels("cuda")))
def test_so_it_has_on_a_gpu(model, kernel):
    """There an update of the stack is captured, where one of a run is."""
    runs = [run_of(model, seed, hidden=8, steps=25) for seed in range(3)]
    jobs = share_strategy([job_of(run, kernel, "cuda") for run in runs])
    curves = curves_of(jobs)
    assert "not stacked" not in jobs[0].strategy.reason
    for curve, run in zip(curves, runs, strict=True):
        assert_equal(curve, curve_of(job_of(run, kernel, "cuda")), 1e-8)


@pytest.mark.parametrize("model", ["urnn", "lstm", "dtriv", "momentum_lstm"])
def test_in_float32_to_four_digits_over_ten_updates(model):
    """Rounding differs, and training lets it grow: measured 2e-6 at most."""
    runs = [run_of(model, seed, dtype="float32", steps=10) for seed in range(3)]
    for curve, run in zip(
        curves_of(share_strategy([job_of(run) for run in runs])), runs, strict=True
    ):
        assert_equal(curve[:-2], curve_of(job_of(run))[:-2], 1e-4)


@pytest.mark.parametrize("kernel", ["eager", "auto"])
def test_threads_change_nothing(kernel):
    runs = [run_of("lstm", seed, steps=12) for seed in range(5)]
    with update_threads(Backend("cpu", kernel)) as threads:
        curves = curves_of(share_strategy([job_of(run, kernel) for run in runs]), threads)
    for curve, run in zip(curves, runs, strict=True):
        assert_equal(curve, curve_of(job_of(run, kernel)), 1e-10)


def test_one_that_diverges_leaves_the_others_curve_of():
    runs = [run_of("irnn", seed, lr, clip=None) for seed, lr in ((0, 1e-3), (1, 1e30), (2, 1e-3))]
    curves = curves_of(share_strategy([job_of(run) for run in runs]))
    assert [curve[-1].status for curve in curves] == ["done", "diverged", "done"]
    for curve, run in zip(curves, runs, strict=True):
        assert_equal(curve, curve_of(job_of(run)), 1e-8)


def test_what_one_raises_ends_that_one_only(monkeypatch):
    jobs = [job_of(run_of("lstm", seed, steps=20)) for seed in range(3)]
    expected = [curve_of(job_of(run_of("lstm", seed, steps=20))) for seed in (0, 2)]
    break_after(jobs[1], 15, monkeypatch)
    found = curves_of(share_strategy(jobs))
    assert found[1] == "the task is broken"
    assert_equal(found[0], expected[0], 1e-8)
    assert_equal(found[2], expected[1], 1e-8)


def updates(jobs, count=1):
    """Execute updates of a stack; return what came of the last."""
    jobs = share_strategy(jobs)
    for step in range(count):
        batches = [
            job.task.batch("train", step, 4, job.seed).to(torch.device("cpu"), torch.float64)
            for job in jobs
        ]
        found = execute_updates(
            [UpdateRequest(job, batch, ()) for job, batch in zip(jobs, batches, strict=True)]
        )
    return found


def assert_same_weights(job, other):
    for one, two in zip(job.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", ["eager", "auto"])
def test_what_one_raises_in_its_step_is_no_second_step_of_another(monkeypatch, kernel):
    """After the first has changed its weights, it is not asked again."""
    jobs = [job_of(run_of("lstm", seed), kernel) for seed in range(3)]

    def broken():
        raise RuntimeError("no memory for the optimizer")

    monkeypatch.setattr(jobs[1].optimizer, "step", broken)
    found = updates(jobs)
    assert str(found[1]) == "no memory for the optimizer"
    for seed in (0, 2):
        other = job_of(run_of("lstm", seed), kernel)
        updates([other])
        assert_same_weights(jobs[seed], other)


def test_nor_is_what_one_raises_without_stacking(tmp_path, monkeypatch):
    (tmp_path / "impure.py").write_text(IMPURE)
    components = include(COMPONENTS, [tmp_path / "impure.py"])

    def made(seed):
        return buildable.job_of(components, run_of("impure", seed), Backend("cpu"))[0]

    jobs = [made(seed) for seed in range(3)]
    # after the two of the check: by itself, and with the others
    break_after(jobs[1], 2, monkeypatch)
    found = updates(jobs)
    assert str(found[1]) == "the task is broken"
    for seed in (0, 2):
        other = made(seed)
        updates([other])
        assert_same_weights(jobs[seed], other)


def test_one_that_cannot_be_computed_leaves_the_others_stacked(monkeypatch):
    jobs = [job_of(run_of("lstm", seed, steps=20)) for seed in range(3)]

    sound = jobs[1].task.loss

    def failing(output, batch):
        if output.requires_grad:
            raise RuntimeError("the task is broken")
        return sound(output, batch)

    monkeypatch.setattr(jobs[1].task, "loss", failing)
    jobs = share_strategy(jobs)
    found = curves_of(jobs)
    assert found[1] == "the task is broken"
    assert jobs[0].strategy.reason == "there are no graphs on cpu", "the others were stacked"
    for seed in (0, 2):
        assert_equal(found[seed], curve_of(job_of(run_of("lstm", seed, steps=20))), 1e-8)


def test_a_task_whose_states_go_on_is_carried_by_each(tmp_path, monkeypatch):
    for split in ("train", "valid", "test"):
        (tmp_path / "ptb").mkdir(exist_ok=True)
        (tmp_path / "ptb" / f"ptb.{split}.txt").write_text("a b c d e f g h i j k\n" * 40)
    monkeypatch.setenv("URNN_BENCH_DATA", str(tmp_path))
    task = ComponentSpec(name="ptb", options={"T": 6})
    runs = [run_of("lstm", seed, steps=30).model_copy(update={"task": task}) for seed in range(3)]
    for curve, run in zip(
        curves_of(share_strategy([job_of(run) for run in runs])), runs, strict=True
    ):
        assert_equal(curve, curve_of(job_of(run)), 1e-8)


IMPURE = '''
import torch
from torch import nn
from urnn_bench.cells.rnn import Rnn

class Impure(Rnn):
    """A step that reads a parameter past its weights."""

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.scale = nn.Parameter(torch.ones(hidden))

    kernels = {}

    def step(self, u, state, w):
        return (self.scale * super().step(u, state, w)[0],)
'''


def test_a_step_that_reads_past_its_weights_is_noticed(tmp_path):
    """All have the same values at the start."""
    (tmp_path / "impure.py").write_text(IMPURE)
    components = include(COMPONENTS, [tmp_path / "impure.py"])
    made = [
        buildable.job_of(components, run_of("impure", seed, steps=10), Backend("cpu"))[0]
        for seed in (0, 1, 0, 1)
    ]
    jobs = share_strategy(made[:2])
    curves = curves_of(jobs)
    assert jobs[0].strategy.reason.endswith("not stacked: its step reads more than its weights")
    for curve, job in zip(curves, made[2:], strict=True):
        assert_equal(curve, curve_of(job), 1e-12)


def test_a_gradient_that_is_not_finite_is_no_reason_against():
    jobs = [job_of(run_of("rnn", seed)) for seed in range(2)]
    with torch.no_grad():
        jobs[0].model.readout.weight.fill_(float("nan"))
    checked = CheckedStack(build.Eager("eager"))
    requests = [
        UpdateRequest(
            job, job.task.batch("train", 0, 4, 0).to(torch.device("cpu"), torch.float64), ()
        )
        for job in jobs
    ]
    (spoilt, _), (sound, _) = checked(requests)
    assert spoilt.isnan() and sound.isfinite()
    assert checked.reason == "eager"


def test_what_vmap_cannot_do_is_not_stacked(tmp_path):
    text = IMPURE.replace(
        "self.scale * super().step(u, state, w)[0]",
        "self.scale * super().step(u, state, w)[0] + 0 * float(u.detach().sum())",
    )
    (tmp_path / "asking.py").write_text(text.replace("Impure", "Asking"))
    components = include(COMPONENTS, [tmp_path / "asking.py"])
    checked = CheckedStack(build.Eager("eager"))
    jobs = [
        buildable.job_of(components, run_of("asking", seed), Backend("cpu"))[0] for seed in (0, 1)
    ]
    requests = [
        UpdateRequest(
            job, job.task.batch("train", 0, 4, 0).to(torch.device("cpu"), torch.float64), ()
        )
        for job in jobs
    ]
    assert len(checked(requests)) == 2
    assert "not stacked: the stack raises RuntimeError: vmap" in checked.reason


def test_batches_of_other_shapes_are_not_stacked():
    jobs = [job_of(run_of("lstm", seed)) for seed in range(3)]
    sizes = (4, 3, 4)
    requests = [
        UpdateRequest(job, job.task.batch("train", 0, size, 0), ())
        for job, size in zip(jobs, sizes, strict=True)
    ]
    for request, result in zip(requests, execute_updates(requests), strict=True):
        expected = execute_updates(
            [UpdateRequest(job_of(run_of("lstm", request.job.seed)), request.batch, ())]
        )[0]
        assert float(result.loss) == pytest.approx(float(expected.loss), rel=1e-12)
