"""Kernels in C: compiled once, exact where the time loop is, and honest where they cannot run."""

import json
import os
import platform
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch

from urnn_bench.cells.base import Cell
from urnn_bench.cells.gru import Gru
from urnn_bench.cells.lstm import Lstm
from urnn_bench.cells.lstm_paper import LstmPaper, LstmPaperOptions
from urnn_bench.cells.urnn import Urnn, UrnnOptions
from urnn_bench.engine.loop import train_run
from urnn_bench.engine.train_state import TrainState
from urnn_bench.events import Measured
from urnn_bench.kernels.choose import choose
from urnn_bench.kernels.native import compiler, linear
from urnn_bench.kernels.native import dense as native_dense
from urnn_bench.kernels.native import groups as native_groups
from urnn_bench.kernels.native.memory import PRECISIONS
from urnn_bench.kernels.native.threads import THREADS
from urnn_bench.kernels.time_loop import unroll
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components, Registry
from urnn_bench.run import build
from urnn_bench.run.device import Backend
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec


def urnn(hidden=16, bias=0.0, dtype=torch.float64, **options):
    with seeded(0, "init"):
        cell = Urnn(3, hidden, UrnnOptions(**options)).to(dtype)
    with torch.no_grad():
        cell.bias.fill_(bias)
    return cell


def lstm(hidden=13, dtype=torch.float64):
    with seeded(0, "init"):
        return LstmPaper(3, hidden, LstmPaperOptions()).to(dtype)


def stock_lstm(hidden=13, dtype=torch.float64):
    with seeded(0, "init"):
        return Lstm(3, hidden, Lstm.Options()).to(dtype)


def gru(hidden=13, dtype=torch.float64):
    with seeded(0, "init"), torch.no_grad():
        cell = Gru(3, hidden, Gru.Options())
        cell.bias_x.uniform_(-1, 1)
        cell.bias_h.uniform_(-1, 1)
    return cell.to(dtype)


def inputs(t, b, dtype=torch.float64):
    rng = torch.Generator().manual_seed(1)
    return torch.randn(t, b, 3, generator=rng, dtype=torch.float64).to(dtype)


def run_in_c(cell, *arguments):
    return cell.kernels["c"].run(cell, *arguments)


def gradients(cell, run, x):
    cell.zero_grad()
    x = x.clone().requires_grad_()
    hs, last = run(x, cell.initial_state(x.shape[1]), cell.weights())
    (cell.readout_features(hs).sin().sum() + sum(s.abs().sum() for s in last)).backward()
    return [hs.detach(), x.grad, *(p.grad.clone() for p in cell.parameters())]


def same(one, two, tolerance):
    return all(
        float((a - b).abs().max()) <= tolerance * (float(a.abs().max()) + 1e-30)
        for a, b in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("eps", [0.0, 1e-5])
@pytest.mark.parametrize("bias", [-0.6, -0.1, 0.0, 0.3])
@pytest.mark.parametrize("hidden", [4, 64, 1024])
def test_urnn_with_units_cut_to_zero(hidden, bias, eps):
    """A negative bias cuts units off for good: what the backward pass needs must survive that."""
    cell, x = urnn(hidden, bias, eps=eps), inputs(60, 5)
    slow = gradients(cell, lambda *a: unroll(cell, *a), x)
    if bias == -0.6:
        assert float((slow[0] == 0).double().mean()) > 0.01, "some units must be cut"
    assert same(slow, gradients(cell, lambda *a: run_in_c(cell, *a), x), 1e-10)


def test_urnn_where_z_is_exactly_zero():
    cell, x = urnn(8, -10.0), torch.zeros(6, 2, 3, dtype=torch.float64)
    with torch.no_grad():
        cell.h0.zero_()
    slow = gradients(cell, lambda *a: unroll(cell, *a), x)
    fast = gradients(cell, lambda *a: run_in_c(cell, *a), x)
    assert all(bool(g.isfinite().all()) for g in fast)
    assert all(torch.equal(a, b) for a, b in zip(slow, fast, strict=True))


@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
def test_five_thousand_steps(make):
    cell, x = make(), inputs(5000, 3)
    slow = gradients(cell, lambda *a: unroll(cell, *a), x)
    assert same(slow, gradients(cell, lambda *a: run_in_c(cell, *a), x), 1e-9)


@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
def test_float32_errs_no_more_than_the_time_loop_in_float32(make):
    """Against float64; twice the loop's own error, as sums are taken in another order."""
    exact_cell = make()
    exact = gradients(exact_cell, lambda *a: unroll(exact_cell, *a), inputs(200, 20))
    cell, x = make(dtype=torch.float32), inputs(200, 20, torch.float32)

    def error(run):
        found = gradients(cell, run, x)
        pairs = zip(found, exact, strict=True)
        return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)

    loop, kernel = error(lambda *a: unroll(cell, *a)), error(lambda *a: run_in_c(cell, *a))
    assert 0 < kernel < 2 * loop + 1e-6


@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
def test_threads_change_nothing(make):
    """Not to the bit: 40 rows are several groups, whose sums are added up in a fixed order."""
    cell, x, found = make(), inputs(30, 40), []
    for threads in (1, 2, 5):
        token = THREADS.set(threads)
        found.append(gradients(cell, lambda *a: run_in_c(cell, *a), x))
        THREADS.reset(token)
    assert all(
        torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True)
    )


def test_without_gradients_nothing_is_kept_and_values_are_the_same():
    cell, x = urnn(), inputs(9, 3)
    with torch.no_grad():
        hs, _ = run_in_c(cell, x, cell.initial_state(3), cell.weights())
        assert hs.grad_fn is None
    torch.testing.assert_close(
        hs, unroll(cell, x, cell.initial_state(3), cell.weights())[0].detach()
    )


@pytest.fixture
def compiled_anew(monkeypatch, tmp_path):
    """monkeypatch, with an empty cache of kernels in a process that remembers none."""
    remembered = (
        *(compiler.library, compiler.unavailable_reason, compiler._target),
        native_groups._narrow,
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for each in remembered:
        each.cache_clear()
    yield monkeypatch
    for each in remembered:
        each.cache_clear()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the flags are those of x86-64")
@pytest.mark.parametrize(("flag", "lanes"), [("-mno-avx512f", 8), ("-mno-avx", 4)])
@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
@pytest.mark.usefixtures("compiled_anew")
def test_narrower_vectors_from_the_same_source(make, flag, lanes, monkeypatch):
    """AVX2 and plain builds; a processor without AVX-512 builds the former anyway."""
    monkeypatch.setattr(compiler, "_FLAGS", (*compiler._FLAGS, flag))
    for dtype, wide in ((torch.float64, lanes // 2), (torch.float32, lanes)):
        cell, x = make(dtype=dtype), inputs(20, 11, dtype)
        slow = gradients(cell, lambda *a, c=cell: unroll(c, *a), x)
        fast = gradients(cell, lambda *a, c=cell: run_in_c(c, *a), x)
        assert same(slow, fast, 1e-10 if dtype == torch.float64 else 1e-4)
        library = compiler.library(native_dense._SOURCE, PRECISIONS[dtype].defines)
        assert library.lanes() == wide


# of the kernels in C, the LSTM's of the paper compiles fastest
PROGRAM = """
from urnn_bench.cells.lstm_paper import LstmPaper, LstmPaperOptions
from urnn_bench.kernels.choose import choose
print(choose(LstmPaper(3, 8, LstmPaperOptions()), "cpu", "auto").name)
"""


def chosen_in_a_process(folder):
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder)},
    )
    return done.stdout.strip()


def test_compiled_once_also_by_two_processes_at_once(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(chosen_in_a_process, [tmp_path] * 2)) == ["c", "c"]
    made = sorted((tmp_path / "urnn-bench" / "kernels").iterdir())
    stems = [path.name.partition("-")[0] for path in made]
    assert stems == ["dense", "dense"], "one for each precision, nothing else"
    before = [path.stat().st_mtime_ns for path in made]
    assert chosen_in_a_process(tmp_path) == "c"
    assert [path.stat().st_mtime_ns for path in made] == before


@pytest.fixture
def chosen(compiled_anew):
    """A function of a compiler, and a cell, to the kernel of the cell and why it has that one."""

    def choose_with(cc, cell):
        compiled_anew.setenv("CC", cc)
        compiler.library.cache_clear()
        compiler.unavailable_reason.cache_clear()
        choice = choose(cell, "cpu", "auto")
        return choice.name, choice.reason

    return choose_with


def test_without_a_compiler_the_time_loop_runs_and_says_why(chosen):
    name, reason = chosen("no-such-compiler", urnn())
    assert name == "eager" and "there is no C compiler 'no-such-compiler'" in reason


def test_a_compiler_that_fails_is_said(chosen, tmp_path):
    broken = tmp_path / "broken-cc"
    broken.write_text("#!/bin/sh\necho 'x.c:1: error: no luck' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    name, reason = chosen(str(broken), urnn())
    assert name == "eager" and "broken-cc" in reason
    broken.write_text(
        '#!/bin/sh\n[ "$1" = --version ] || { echo "x.c:1: error: no luck" >&2; exit 1; }\n'
    )
    assert "error: no luck" in chosen(str(broken), urnn())[1]
    broken.write_text("no program at all")
    assert chosen(str(broken), urnn())[0] == "eager"


def test_a_compiler_may_come_with_flags(chosen):
    assert chosen("cc -O2", lstm())[0] == "c"
    assert chosen("", lstm())[0] == "c" and chosen("  ", lstm())[0] == "c"
    assert "CC cannot be read as a command" in chosen('"x', urnn())[1]


@pytest.mark.parametrize("name", ["rnn", "irnn", "lstm", "lstm_paper", "gru", "urnn"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_hidden(name, bad):
    kind = Registry("model", "cells").get(name, Cell)
    with seeded(0, "init"):
        cell = kind(3, 8, kind.Options()).double()
    x = inputs(5, 2)
    x[2, 0, 0] = bad
    state, w = cell.initial_state(2), cell.weights()
    slow, fast = (run(x, state, w)[0] for run in (partial(unroll, cell), partial(run_in_c, cell)))
    assert torch.equal(cell.readout_features(slow).isnan(), cell.readout_features(fast).isnan())


@pytest.mark.parametrize("make", [urnn, lstm, stock_lstm, gru])
def test_the_last_state_is_a_copy(make):
    cell, x = make(), inputs(4, 2)
    hs, last = run_in_c(cell, x, cell.initial_state(2), cell.weights())
    before = last[0].detach().clone()
    with torch.no_grad():
        hs.mul_(2)
    assert torch.equal(last[0], before)


@pytest.mark.parametrize("hidden", [2, 3, 6, 11, 12, 32, 45, 100, 128, 256, 512])
def test_urnn_of_any_width(hidden):
    """Every way to split a width into radices: none, fours and eights, a two, primes, one pass."""
    cell, x = urnn(hidden, 0.1), inputs(7, 3)
    slow = gradients(cell, lambda *a: unroll(cell, *a), x)
    assert same(slow, gradients(cell, lambda *a: run_in_c(cell, *a), x), 1e-10)


@pytest.mark.parametrize("kind", ["tokens", "the same token", "features", "nearly tokens"])
@pytest.mark.parametrize("rows", [5, 37])
def test_urnn_makes_the_drive_itself(kind, rows):
    """Inputs that want no gradient are never multiplied by V beforehand."""
    cell, rng = urnn(16, 0.1), torch.Generator().manual_seed(2)
    token = torch.randint(3, (9, 1 if kind == "the same token" else rows), generator=rng)
    x = torch.nn.functional.one_hot(token.expand(9, rows), 3).double()
    if kind == "features":
        x = inputs(9, rows)
    if kind == "nearly tokens":
        x[4, 2] *= 0.5
    found = []
    for run in (partial(unroll, cell), partial(run_in_c, cell)):
        cell.zero_grad()
        hs, last = run(x, cell.initial_state(rows), cell.weights())
        (cell.readout_features(hs).sin().sum() + last[0].abs().sum()).backward()
        found.append([hs.detach(), *(p.grad.clone() for p in cell.parameters())])
    assert same(*found, 1e-10)


@pytest.mark.parametrize("sizes", [(5, 3, 2), (513, 17, 9), (1030, 40, 1), (70, 130, 13)])
def test_the_readout_is_torchs(sizes):
    rows, features, outputs = sizes
    rng = torch.Generator().manual_seed(3)
    shapes = ((rows, features), (outputs, features), (outputs,))
    found = []
    for function in (linear.linear, torch.nn.functional.linear):
        rng.manual_seed(3)
        given = [
            torch.randn(s, generator=rng, dtype=torch.float64).requires_grad_() for s in shapes
        ]
        y = function(*given)
        g = torch.randn(y.shape, generator=rng, dtype=torch.float64)
        found.append([y.detach(), *torch.autograd.grad(y, given, g)])
    assert same(*found, 1e-12)


def curve(name, kernel):
    """Training losses of 50 updates in float64."""
    components = Components()
    task = ComponentSpec(
        name="copying", options={"T": 20, "validation_examples": 1, "test_examples": 1}
    )
    fit = Fit(steps=50, batch=5, dtype="float64", log_every=1, evaluate_every=50)
    run = Run(
        benchmark="test",
        label=name,
        task=task,
        cell=ComponentSpec(name=name),
        hidden=12,
        fit=fit,
        seed=0,
    )
    job, choice = build.job_of(components, run, Backend("cpu", kernel))
    assert choice.name == kernel
    events = train_run(job, TrainState(evaluated=True))
    return [
        e.metrics[job.task.metrics[0]]
        for e in events
        if isinstance(e, Measured) and e.split == "train"
    ]


@pytest.mark.parametrize("name", ["irnn", "lstm_paper", "lstm", "gru", "rnn", "urnn"])
def test_a_fused_run_learns_the_same_curve(name):
    slow, fast = curve(name, "eager"), curve(name, "c")
    assert len(slow) == 50 and slow[-1] < slow[0]
    assert slow == pytest.approx(fast, rel=0, abs=1e-8)


def test_the_kernels_command_checks_then_times(bench):
    arguments = ("--T", 12, "--hidden", 8, "--batch", 3, "--rounds", 2, "--threads", 1)
    rows = json.loads(bench("kernels", *arguments, "--json").out)
    ran = {(r["model"], r["kernel"]) for r in rows if r["obstacle"] is None}
    assert {("urnn", "eager"), ("urnn", "c"), ("lstm", "vendor"), ("torch", "nn.LSTM")} <= ran
    for row in rows:
        if row["ratio"] is not None:
            assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
            assert row["error"] <= 1e-9 and row["update_ms"] > 0
        if row["kernel"] == "eager":
            assert row["ratio"] == 1.0
    assert "did you mean 'urnn'" in bench("kernels", "--model", "urn", code=2).err


def test_a_profile_accounts_for_the_whole_update(bench):
    arguments = ("--T", 12, "--hidden", 8, "--batch", 3, "--model", "urnn", "--model", "lstm")
    rows = json.loads(bench("kernels", *arguments, "--profile", "--json").out)
    for model in ("urnn", "lstm"):
        mine = [row for row in rows if row["model"] == model]
        assert sum(row["share"] for row in mine) == pytest.approx(1)
        assert mine[0]["update_ms"] >= mine[1]["update_ms"] > 0
