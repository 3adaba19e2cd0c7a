"""Several runs at once learn what each would by itself, and leave the same files."""

import csv
import json
from types import SimpleNamespace

import psutil
import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.engine.loop import Position, course, heard, train
from urnn_bench.engine.stacked import answered, driven
from urnn_bench.engine.stacked_check import Held
from urnn_bench.engine.update import Due
from urnn_bench.events import Ended, Measured
from urnn_bench.registry import Components
from urnn_bench.run import build, stacks
from urnn_bench.run.device import Backend, workers_of
from urnn_bench.run.executor import Company
from urnn_bench.run.resolve import include
from urnn_bench.spec.fit import Clip, Fit, RmspropPaper
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec

COMPONENTS = Components()
SIZES = {"T": 6, "validation_examples": 6, "test_examples": 6}
# Adam's own stabiliser lets the gradient of a drive of zero be 1e8, and rounding grow as much
TAME = {"adam_lstm", "adam_dtriv", "rmsprop_lstm"}


def kernels():
    for name in COMPONENTS.cells.names():
        yield name, "eager"
        for kernel, implementation in COMPONENTS.cells.get(name, Cell).kernels.items():
            if implementation.stacked is not None:
                yield name, kernel


def run_of(model="lstm", seed=0, lr=1e-3, **fit):
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
    options = {"stabiliser": 1e-3} if model in TAME else {}
    return Run(
        benchmark="b",
        label=model,
        task=ComponentSpec(name="copying", options=SIZES),
        hidden=6,
        seed=seed,
        cell=ComponentSpec(name=model, options=options),
        fit=Fit(**fit),
    )


def job_of(run, kernel="eager"):
    return build.job_of(COMPONENTS, run, Backend("cpu", kernel))[0]


def scores(events):
    kept = [e for e in events if isinstance(e, Measured | Ended)]
    return [(e.step, e.split, dict(e.metrics)) if isinstance(e, Measured) else e for e in kept]


def alone(job):
    return scores(train(job, Position()))


def collecting(job):
    """A run as whoever drives several has it, that returns its events."""
    events = []
    yield from heard(course(job, Position()), events.append)
    return scores(events)


def break_after(job, calls, monkeypatch):
    """Let a job's loss raise once it has been asked for so often."""
    sound, seen = job.task.loss, []

    def failing(output, batch):
        seen.append(1)
        if len(seen) > calls:
            raise RuntimeError("the task is broken")
        return sound(output, batch)

    monkeypatch.setattr(job.task, "loss", failing)


def together(jobs, workers=None):
    company = Company(len(jobs))
    return driven([collecting(company.joined(job)) for job in jobs], workers)


def assert_equal(found, expected, rel):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, Ended):
            assert one == other
            continue
        assert one[:2] == other[:2]
        assert one[2] == pytest.approx(other[2], rel=rel, nan_ok=True)


@pytest.mark.parametrize(("model", "kernel"), list(kernels()))
def test_every_seed_and_rate_has_the_curve_of_its_own_run(model, kernel):
    """In float64, over 100 updates, for every cell and every kernel that can."""
    runs = [run_of(model, seed, lr) for seed, lr in ((0, 1e-3), (1, 1e-3), (0, 1e-2))]
    company = Company(3)
    jobs = [company.joined(job_of(run, kernel)) for run in runs]
    assert all(job.beside for job in jobs)
    found = driven([collecting(job) for job in jobs])
    assert jobs[0].descent.reason == "there are no graphs on cpu", "nothing was one by one"
    for curve, run in zip(found, runs, strict=True):
        assert_equal(curve, alone(job_of(run, kernel)), 1e-8)


@pytest.mark.parametrize("model", ["urnn", "lstm", "dtriv", "momentum_lstm"])
def test_in_float32_to_four_digits_over_ten_updates(model):
    """Rounding differs, and training lets it grow: measured 2e-6 at most."""
    runs = [run_of(model, seed, dtype="float32", steps=10) for seed in range(3)]
    for curve, run in zip(together([job_of(run) for run in runs]), runs, strict=True):
        assert_equal(curve[:-2], alone(job_of(run))[:-2], 1e-4)


@pytest.mark.parametrize("kernel", ["eager", "auto"])
def test_workers_change_nothing(kernel):
    runs = [run_of("lstm", seed, steps=12) for seed in range(5)]
    with workers_of(Backend("cpu", kernel)) as workers:
        found = together([job_of(run, kernel) for run in runs], workers)
    for curve, run in zip(found, runs, strict=True):
        assert_equal(curve, alone(job_of(run, kernel)), 1e-10)


def test_one_that_diverges_leaves_the_others_alone():
    runs = [run_of("irnn", seed, lr, clip=None) for seed, lr in ((0, 1e-3), (1, 1e30), (2, 1e-3))]
    found = together([job_of(run) for run in runs])
    assert [curve[-1].status for curve in found] == ["done", "diverged", "done"]
    for curve, run in zip(found, runs, strict=True):
        assert_equal(curve, alone(job_of(run)), 1e-8)


def test_what_one_raises_ends_that_one_only(monkeypatch):
    jobs = [job_of(run_of("lstm", seed, steps=20)) for seed in range(3)]
    expected = [alone(job_of(run_of("lstm", seed, steps=20))) for seed in (0, 2)]
    break_after(jobs[1], 15, monkeypatch)
    runs = [collecting(job) for job in jobs]
    found = driven([surviving(run) for run in runs])
    assert found[1] == "the task is broken"
    assert_equal(found[0], expected[0], 1e-8)
    assert_equal(found[2], expected[1], 1e-8)


def surviving(run):
    try:
        return (yield from run)
    except RuntimeError as error:
        return str(error)


def updates(jobs, count=1):
    """Carry out updates of a company; return what came of the last."""
    company = Company(len(jobs))
    jobs = [company.joined(job) for job in jobs]
    for step in range(count):
        batches = [
            job.task.batch("train", step, 4, job.seed).to(torch.device("cpu"), torch.float64)
            for job in jobs
        ]
        found = answered([Due(job, batch, ()) for job, batch in zip(jobs, batches, strict=True)])
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


def test_nor_is_what_one_raises_when_they_are_one_by_one(tmp_path, monkeypatch):
    (tmp_path / "impure.py").write_text(IMPURE)
    components = include(COMPONENTS, [tmp_path / "impure.py"])

    def made(seed):
        return build.job_of(components, run_of("impure", seed), Backend("cpu"))[0]

    jobs = [made(seed) for seed in range(3)]
    # after the two of the check: by itself, and with the others
    break_after(jobs[1], 2, monkeypatch)
    found = updates(jobs)
    assert str(found[1]) == "the task is broken"
    for seed in (0, 2):
        other = made(seed)
        updates([other])
        assert_same_weights(jobs[seed], other)


def test_one_that_cannot_be_computed_does_not_end_the_others_company(monkeypatch):
    jobs = [job_of(run_of("lstm", seed, steps=20)) for seed in range(3)]

    sound = jobs[1].task.loss

    def failing(output, batch):
        if output.requires_grad:
            raise RuntimeError("the task is broken")
        return sound(output, batch)

    monkeypatch.setattr(jobs[1].task, "loss", failing)
    company = Company(3)
    jobs = [company.joined(job) for job in jobs]
    found = driven([surviving(collecting(job)) for job in jobs])
    assert found[1] == "the task is broken"
    assert jobs[0].descent.reason == "there are no graphs on cpu", "the others were at once"
    for seed in (0, 2):
        assert_equal(found[seed], alone(job_of(run_of("lstm", seed, steps=20))), 1e-8)


def test_a_task_whose_states_go_on_is_carried_by_each(tmp_path, monkeypatch):
    for split in ("train", "valid", "test"):
        (tmp_path / "ptb").mkdir(exist_ok=True)
        (tmp_path / "ptb" / f"ptb.{split}.txt").write_text("a b c d e f g h i j k\n" * 40)
    monkeypatch.setenv("URNN_BENCH_DATA", str(tmp_path))
    task = ComponentSpec(name="ptb", options={"T": 6})
    runs = [run_of("lstm", seed, steps=30).model_copy(update={"task": task}) for seed in range(3)]
    for curve, run in zip(together([job_of(run) for run in runs]), runs, strict=True):
        assert_equal(curve, alone(job_of(run)), 1e-8)


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
        build.job_of(components, run_of("impure", seed, steps=10), Backend("cpu"))[0]
        for seed in (0, 1, 0, 1)
    ]
    company = Company(2)
    jobs = [company.joined(job) for job in made[:2]]
    found = driven([collecting(job) for job in jobs])
    assert jobs[0].descent.reason.endswith(
        "one by one, because its step reads more than its weights"
    )
    for curve, job in zip(found, made[2:], strict=True):
        assert_equal(curve, alone(job), 1e-12)


MOVED = '''
import torch
from urnn_bench.cells.rnn import Rnn

class Moved(Rnn):
    """A step that reads a buffer, which changes with training only."""

    kernels = {}

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.register_buffer("base", torch.zeros(hidden))

    def on_update_end(self, step):
        self.base += 0.1 * self.bias.detach()

    def initial_state(self, batch):
        # not beside the parameters, as users write it
        return (torch.zeros(batch, self.hidden, dtype=self.bias.dtype),)

    def step(self, u, state, w):
        return (super().step(u + self.base, state, w)[0],)
'''


def test_so_is_one_that_reads_what_will_differ_only_later(bench):
    path = bench.write("moved.py", MOVED)
    arguments = ("run", "tiny", "--model", "moved", "--include", path, "--seeds", 3, "--steps", 20)
    bench(*arguments, *F64, "--together")
    bench(*arguments, *F64, "--results", "single")
    pairs = zip(folders(bench.folder / "results"), folders(bench.folder / "single"), strict=True)
    for one, other in pairs:
        assert "reads more than its weights" in (one / "run.json").read_text()
        assert table(one) == table(other)


def test_a_cell_that_asks_for_numbers_is_trained_all_the_same(bench):
    text = MOVED.replace("Moved", "Asking").replace(
        "u + self.base", "u + 0 * float(u.detach().sum())"
    )
    path = bench.write("asking.py", text)
    said = bench(
        "run", "tiny", "--model", "asking", "--include", path, "--seeds", 2, "--together"
    ).err
    assert "2 done" in said


def test_a_gradient_that_is_not_finite_is_no_reason_against():
    jobs = [job_of(run_of("rnn", seed)) for seed in range(2)]
    with torch.no_grad():
        jobs[0].model.readout.weight.fill_(float("nan"))
    held = Held(build.Eager("eager"))
    dues = [
        Due(job, job.task.batch("train", 0, 4, 0).to(torch.device("cpu"), torch.float64), ())
        for job in jobs
    ]
    (spoilt, _), (sound, _) = held(dues)
    assert spoilt.isnan() and sound.isfinite()
    assert held.reason == "eager"


def test_what_vmap_cannot_do_is_done_one_by_one(tmp_path):
    text = IMPURE.replace(
        "self.scale * super().step(u, state, w)[0]",
        "super().step(u, state, w)[0] + 0 * float(u.detach().sum())",
    )
    (tmp_path / "asking.py").write_text(text.replace("Impure", "Asking"))
    components = include(COMPONENTS, [tmp_path / "asking.py"])
    held = Held(build.Eager("eager"))
    jobs = [build.job_of(components, run_of("asking", seed), Backend("cpu"))[0] for seed in (0, 1)]
    dues = [
        Due(job, job.task.batch("train", 0, 4, 0).to(torch.device("cpu"), torch.float64), ())
        for job in jobs
    ]
    assert len(held(dues)) == 2
    assert "one by one, because at once it raises RuntimeError: vmap" in held.reason


def test_batches_of_other_shapes_are_apart():
    jobs = [job_of(run_of("lstm", seed)) for seed in range(3)]
    sizes = (4, 3, 4)
    dues = [
        Due(job, job.task.batch("train", 0, size, 0), ())
        for job, size in zip(jobs, sizes, strict=True)
    ]
    for due, answer in zip(dues, answered(dues), strict=True):
        expected = answered([Due(job_of(run_of("lstm", due.job.seed)), due.batch, ())])[0]
        assert float(answer.loss) == pytest.approx(float(expected.loss), rel=1e-12)


# stacks


def test_stacks_are_of_one_form():
    runs = [
        run_of(model, seed, lr) for seed in (0, 1) for model in ("rnn", "lstm") for lr in (0.1, 1)
    ]
    runs.append(run_of("lstm", 0, batch=5))
    found = list(stacks.stacks(COMPONENTS, Backend("cpu", "eager"), runs))
    assert [len(stack) for stack in found] == [4, 4, 1]
    assert {(r.label, r.fit.batch) for r in found[1]} == {("lstm", 4)}


def test_stacks_are_as_large_as_memory_allows(monkeypatch):
    runs = [run_of("lstm", seed) for seed in range(10)]
    each_mb = stacks.activation_mb(COMPONENTS, runs[0])
    free = SimpleNamespace(available=int(2**20 * each_mb * 8.5))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    found = list(stacks.stacks(COMPONENTS, Backend("cpu", "eager"), runs))
    assert sum(map(len, found)) == 10
    assert 2 <= len(found[0]) <= 4
    free.available = 1
    assert len(list(stacks.stacks(COMPONENTS, Backend("cpu", "eager"), runs))) == 10


def test_stacks_are_not_larger_than_open_files_allow():
    runs = [run_of("rnn", seed) for seed in range(150)]
    found = list(stacks.stacks(COMPONENTS, Backend("cpu", "c"), runs))
    assert [len(stack) for stack in found] == [64, 64, 22]


def test_an_update_takes_what_its_backward_pass_needs():
    """h_t = f(W h_{t-1} + u_t) keeps h_t of every step, and so does the readout of all of them."""
    small, large = (run_of("rnn", batch=batch) for batch in (50, 100))
    more_mb = stacks.activation_mb(COMPONENTS, large) - stacks.activation_mb(COMPONENTS, small)
    steps, hidden = SIZES["T"] + 20, 6
    states_mb = 8 * steps * 50 * hidden / 2**20
    # u, h and their like: the readout's input, the loss's, and those of the step
    assert 2 * states_mb <= more_mb <= 5 * states_mb


# the command line


def table(folder, columns=("step", "split", "metric", "value")):
    with (folder / "metrics.csv").open() as file:
        return [tuple(row[c] for c in columns) for row in csv.DictReader(file)]


def folders(root):
    return sorted(path for path in (root / "tiny").iterdir() if path.is_dir())


F64 = ("--set", "fit.dtype=float64", "--kernel", "eager")


def test_together_leaves_the_files_that_one_by_one_leaves(bench):
    bench("run", "tiny", "--seeds", 3, *F64, "--together", "--probe")
    bench("run", "tiny", "--seeds", 3, *F64, "--probe", "--results", "single")
    several, single = folders(bench.folder / "results"), folders(bench.folder / "single")
    assert [path.name for path in several] == [path.name for path in single]
    for one, other in zip(several, single, strict=True):
        assert {p.name for p in one.iterdir()} == {p.name for p in other.iterdir()}
        assert (one / "probes.csv").read_text() != ""
        for found, expected in zip(table(one), table(other), strict=True):
            assert found[:3] == expected[:3]
            assert float(found[3]) == pytest.approx(float(expected[3]), rel=1e-8)
        records = [json.loads((path / "run.json").read_text()) for path in (one, other)]
        assert [r["sessions"][-1]["together"] for r in records] == [3, 1]
        for key in ("identity", "protocol", "status", "fingerprint", "steps_done", "parameters"):
            assert records[0][key] == records[1][key]


def test_what_is_done_is_left_out_of_a_stack(bench):
    bench("run", "tiny", "--model", "lstm", "--seed", 1)
    said = bench("run", "tiny", "--model", "lstm", "--seeds", 3, "--together").err
    assert "seed 1: already done" in said and "3 done" in said


def test_a_stopped_stack_goes_on_with_each_run_where_it_stood(bench):
    arguments = ("run", "tiny", "--model", "lstm", *F64, "--seeds", 2)
    bench(*arguments, "--steps", 40, "--together", "--time-limit", "0", code=3)
    # one goes on by itself, then both are asked for together again
    bench(*arguments[:3], "lstm", *F64, "--steps", 40, "--seed", 1)
    bench(*arguments, "--steps", 40, "--together")
    bench(*arguments, "--steps", 40, "--results", "single")
    pairs = zip(folders(bench.folder / "results"), folders(bench.folder / "single"), strict=True)
    for one, other in pairs:
        for found, expected in zip(table(one), table(other), strict=True):
            assert found[:3] == expected[:3]
            assert float(found[3]) == pytest.approx(float(expected[3]), rel=1e-8)


def test_one_that_has_solved_its_task_leaves_the_stack(bench):
    solved = ("--set", "fit.solved={metric: cross_entropy_nat, below: 1.36, stop: true}")
    arguments = ("run", "tiny", "--model", "lstm", "--seeds", 4, "--steps", 30, *F64, *solved)
    bench(*arguments, "--together")
    bench(*arguments, "--results", "single")
    ends = [
        [json.loads((path / "run.json").read_text())["steps_done"] for path in folders(root)]
        for root in (bench.folder / "results", bench.folder / "single")
    ]
    assert ends[0] == ends[1]
    assert len(set(ends[0])) > 1, "they should end at different updates for this to show anything"


def test_dry_run_shows_the_stacks(bench):
    epoch_indices = bench(
        "run", "tiny", "--seeds", 3, "--together", "--kernel", "eager", "--dry-run"
    )
    header, *rows = [line.split("\t") for line in epoch_indices.out.strip().splitlines()]
    assert header[-1] == "stack"
    assert {(row[1], row[-1]) for row in rows} == {("urnn", "1"), ("lstm", "2")}
    assert "runs: 6 in 2 stacks" in epoch_indices.err
    assert "stack" not in bench("run", "tiny", "--seeds", 3, "--dry-run").out


def test_a_benchmark_may_ask_for_it(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/both.yaml", text + "together: true\n")
    assert "stacks" in bench("run", "both", "--seeds", 2, "--dry-run").err
    assert "stacks" not in bench("run", "both", "--seeds", 2, "--dry-run", "--one-by-one").err


# the grid

GRID = "grid: {optimizer.lr: [0.001, 0.1], batch: [2, 4]}\n"


@pytest.fixture
def gridded(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/grid.yaml", text + GRID)
    return bench


def models(bench, *arguments):
    rows = json.loads(bench("run", "grid", "--dry-run", "--json", *arguments).out)
    return [row["model"] for row in rows]


def test_a_grid_trains_every_model_with_every_combination(gridded):
    found = models(gridded, "--model", "lstm")
    assert found == [f"lstm @ lr={lr}, batch={batch}" for lr in (0.001, 0.1) for batch in (2, 4)]
    assert len(models(gridded)) == 8


def test_a_setting_takes_the_place_of_an_axis(gridded):
    found = models(gridded, "--model", "lstm", "--set", "fit.optimizer.lr=0.5")
    assert found == ["lstm @ batch=2", "lstm @ batch=4"]
    assert models(gridded, "--model", "lstm", "--batch", 3, "--set", "fit.optimizer={lr: 1}") == [
        "lstm"
    ]


def test_points_of_a_grid_of_one_form_are_trained_together(gridded):
    gridded("run", "grid", "--model", "lstm", "--together")
    epoch_indices = gridded("run", "grid", "--model", "lstm", "--together", "--dry-run")
    assert "runs: 4 in 2 stacks" in epoch_indices.err


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ("grid: {optimizer.rate: [1]}", "rate"),
        ("grid: {optimizer.lr: []}", "grid.optimizer.lr"),
        ("grid: {optimizer.lr: [-1.0]}", "greater than 0"),
        ("grid: [1]", "grid: must be a mapping, not a list"),
        ("grid: {clip.value: [1.0], clip: [null]}", "set the same key"),
    ],
)
def test_a_wrong_grid_is_one_sentence(bench, grid, said):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/grid.yaml", text + grid + "\n")
    error = bench("run", "grid", code=2).err
    assert said in error and "Traceback" not in error


def test_a_point_of_a_grid_can_be_asked_for(gridded):
    assert models(gridded, "--model", "lstm @ lr=0.1, batch=2") == ["lstm @ lr=0.1, batch=2"]
    error = gridded("run", "grid", "--model", "lstm @ lr=0.2", code=2).err
    assert "lstm @ lr=0.2" in error


def test_values_of_a_grid_may_be_mappings(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    axes = "{optimizer: [{name: adam, lr: 0.1}, {name: sgd, lr: 0.2}]}"
    bench.write("benchmarks/grid.yaml", text + f"grid: {axes}\n")
    assert len(models(bench, "--model", "lstm")) == 2


def test_two_files_of_one_name_are_not_mixed(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("a/same.yaml", text)
    bench.write("b/same.yaml", text)
    error = bench("run", "a/same.yaml", "b/same.yaml", "--dry-run", code=2).err
    assert "both called 'same'" in error
