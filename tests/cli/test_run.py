"""``urnn-bench run`` through real processes: selection, streams, exit codes, bad input."""

import json
import os
import re

import pytest

from urnn_bench.records.record import Record

CELL = '''\
"""A cell of a user: a leaky average."""

from typing import NamedTuple

import torch
from torch import nn

from urnn_bench.cells.base import Cell


class Weights(NamedTuple):
    w: torch.Tensor


class Leaky(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.w = nn.Parameter(torch.randn(inputs, hidden))

    def weights(self):
        return Weights(self.w)

    def drive(self, x, w):
        return x @ w.w

    def step(self, u, state, w):
        {extra}
        return (0.9 * state[0] + u,)

    def initial_state(self, batch):
        return (self.w.new_zeros(batch, self.hidden),)
'''


def records(bench, name="tiny"):
    return [Record.read(folder) for folder in bench.runs(name)]


def test_records_say_how_a_run_was_made(bench):
    bench.process("run", "tiny", "--threads", 1)
    urnn = next(r for r in records(bench) if r.run.label == "urnn")
    session = urnn.sessions[0]
    assert urnn.status == "done" and urnn.schema_version == 1 and urnn.steps_done == 6
    assert urnn.identity == urnn.run.identity and urnn.run.fit.clip is None
    assert session.kernel in {"c", "eager"} and session.kernel_reason and session.threads == 1
    assert session.device == "cpu" and session.deterministic and session.peak_mb > 50
    assert session.versions["torch"] and session.argv[0] == "run" and session.pid > 0
    assert set(urnn.fingerprint) == {"train", "validation", "test"}
    assert all(re.fullmatch("[0-9a-f]{64}", f) for f in urnn.fingerprint.values())
    lstm = next(r for r in records(bench) if r.run.label == "lstm")
    assert lstm.fingerprint == urnn.fingerprint, "data do not depend on the model"
    assert lstm.sessions[0].kernel in {"c", "vendor"}
    header, *rows = (bench.runs()[0] / "metrics.csv").read_text().splitlines()
    assert header == "step,examples,train_s,split,metric,value"
    assert {row.split(",")[3] for row in rows} == {"train", "validation", "test"}


@pytest.mark.parametrize("optimizer", ["rmsprop_paper", "rmsprop", "adam", "adamw", "sgd"])
def test_every_optimizer_s_record_is_read_back(bench, optimizer):
    arguments = ("run", "tiny", "--model", "lstm", "--set", f"fit.optimizer.name={optimizer}")
    bench(*arguments, "--set", "fit.clip={norm: 1.0}")
    assert records(bench)[0].run.fit.optimizer.name == optimizer
    assert "already done" in bench(*arguments, "--set", "fit.clip={norm: 1.0}").err
    assert "lstm" in bench("table", "tiny").out


def test_a_skip_changes_nothing_of_what_was_done(bench):
    bench("run", "tiny", "--model", "lstm")
    bench("run", "tiny", "--model", "lstm", "--set", "fit.evaluate_batch=7")
    (record,) = records(bench)
    assert record.run.fit.evaluate_batch == 200 and record.run.settings == ()


def test_a_resumption_that_cannot_begin_keeps_what_is_known(bench):
    path = bench.write("leaky.py", CELL.format(extra=""))
    arguments = ("run", "tiny", "--model", "leaky", "--include", path, "--updates", 50)
    bench(*arguments, "--time-limit", 0, code=3)
    (folder,) = bench.runs()
    (folder / "metrics.csv").unlink()
    (folder / "metrics.csv").mkdir()
    bench(*arguments, code=3)
    assert records(bench)[0].steps_done == 1 and records(bench)[0].status == "failed"


def test_done_runs_are_skipped_and_force_does_them_again(bench):
    bench("run", "tiny")
    before = {f: (f / "metrics.csv").stat().st_mtime_ns for f in bench.runs()}
    said = bench("run", "tiny").err
    assert said.count("already done") == 2 and "--force trains it again" in said
    assert {f: (f / "metrics.csv").stat().st_mtime_ns for f in bench.runs()} == before
    bench("run", "tiny", "--model", "lstm", "--force")
    changed = [f.name for f, t in before.items() if (f / "metrics.csv").stat().st_mtime_ns != t]
    assert [name.split("-")[0] for name in changed] == ["lstm"]


def test_repeated_options_are_unions(bench):
    out = bench(
        "run",
        "tiny",
        "--T",
        3,
        "--T",
        5,
        "--T",
        3,
        "--seed",
        7,
        "--seed",
        "0-1",
        "--model",
        "rnn",
        "--dry-run",
        "--json",
    ).out
    rows = json.loads(out)
    assert {(r["T"], r["seed"], r["model"]) for r in rows} == {
        (T, s, "rnn") for T in (3, 5) for s in (7, 0, 1)
    }
    assert len(rows) == 6 and all(r["state"] == "to do" and r["train_s"] >= 0 for r in rows)


def test_dry_run_shows_states_and_trains_nothing(bench):
    bench("run", "tiny", "--model", "lstm")
    done = bench("run", "tiny", "--dry-run")
    lines = [line.split("\t") for line in done.out.splitlines()]
    states = {line[1]: line[6] for line in lines[1:]}
    assert states == {"urnn": "to do", "lstm": "done"}
    assert "of training (measured)" in done.err and len(bench.runs()) == 1


def test_json_is_one_object_a_line(bench):
    done = bench("run", "tiny", "--model", "urnn", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[0]["event"] == "start" and events[0]["parameters"] > 0
    assert events[-1]["event"] == "end" and events[-1]["status"] == "done"
    assert {e["split"] for e in events if e["event"] == "measured"} == {
        "train",
        "validation",
        "test",
    }
    again = [json.loads(line) for line in bench("run", "tiny", "--json", "-q").out.splitlines()]
    assert again[0]["event"] == "skip" and again[0]["status"] == "done"


def test_quiet_says_nothing_of_what_is_good(bench):
    done = bench.process("run", "tiny", "-q")
    assert done.out == "" and done.err == ""
    assert "update 3: " in bench("run", "tiny", "-v", "--force").err.replace(",", ":")


def test_a_file_is_not_mixed_with_a_benchmark_of_its_name(bench):
    path = bench.write("copy.yaml", (bench.folder / "benchmarks/tiny.yaml").read_text())
    assert "is called 'copy' too; rename this file" in bench("run", path, code=2).err
    bench("run", "benchmarks/tiny.yaml", "--model", "lstm")
    assert len(bench.runs("tiny")) == 1


def test_a_component_of_a_package_is_found_by_its_entry_point(bench):
    bench.write("site/mypkg/__init__.py", "from mypkg.cell import Leaky\n")
    bench.write("site/mypkg/cell.py", CELL.format(extra=""))
    points = "[urnn_bench.cells]\nmine = mypkg:Leaky\nsame = mypkg.cell\nlost = mypkg.nowhere\n"
    bench.write("site/mypkg-1.dist-info/entry_points.txt", points)
    bench.write(
        "site/mypkg-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: mypkg\nVersion: 1\n"
    )
    env = {"PYTHONPATH": str(bench.folder / "site")}
    done = bench.process("run", "tiny", "--model", "mine", "--model", "same", env=env)
    assert done.err.count(": done") == 2
    assert all(r.run.cell.source for r in records(bench)), "its file is part of a run's identity"
    assert "mine\tfrom the package mypkg" in bench.process("list", "models", env=env).out
    said = bench.process("run", "tiny", "--model", "lost", env=env, code=2).err
    assert "the entry point 'lost' (mypkg.nowhere) cannot be loaded" in said


def test_several_benchmarks_and_a_file_by_its_path(bench):
    path = bench.write("other/mine.yaml", (bench.folder / "benchmarks/tiny.yaml").read_text())
    bench("run", "tiny", path, "--model", "lstm")
    assert len(bench.runs("tiny")) == 1 and len(bench.runs("mine")) == 1


def test_a_cell_of_the_user_is_one_file(bench):
    path = bench.write("leaky.py", CELL.format(extra=""))
    said = bench("run", "tiny", "--model", "leaky", "--include", path).err
    assert "leaky T=4 seed 0: done" in said
    assert "already done" in bench("run", "tiny", "--model", "leaky", "--include", path).err
    path.write_text(CELL.format(extra="u = 2 * u"))
    bench("run", "tiny", "--model", "leaky", "--include", path)
    assert len(bench.runs()) == 2, "an edited cell is another run"


def test_a_cell_that_raises_fails_its_run_only(bench):
    path = bench.write("leaky.py", CELL.format(extra="raise ValueError('no such gate')"))
    done = bench("run", "tiny", "--model", "leaky", "--model", "lstm", "--include", path, code=3)
    said = "failed (ComponentError: the cell 'leaky': `step` fails: ValueError: no such gate, at "
    assert f"leaky T=4 seed 0: {said}" in done.err
    assert "lstm T=4 seed 0: done" in done.err and "Traceback" not in done.err
    failed = next(f for f in bench.runs() if f.name.startswith("leaky"))
    report = (failed / "error.txt").read_text()
    assert "leaky.py" in report and "no such gate" in report
    assert Record.read(failed).status == "failed"


def test_a_cell_that_cannot_be_built_fails_its_run_only(bench):
    text = CELL.format(extra="").replace(
        "self.w = nn", "assert not torch.empty(0).is_cpu; self.w = nn"
    )
    path = bench.write("leaky.py", text)
    done = bench("run", "tiny", "--model", "leaky", "--model", "lstm", "--include", path, code=3)
    assert "failed (ComponentError: the cell 'leaky' cannot be built 6 wide" in done.err
    assert "lstm T=4 seed 0: done" in done.err


def test_out_of_memory_is_a_status(bench):
    path = bench.write("leaky.py", CELL.format(extra="torch.empty(1 << 50)"))
    done = bench("run", "tiny", "--model", "leaky", "--include", path, code=3)
    assert "leaky T=4 seed 0: oom (" in done.err and "1 oom" in done.err


def test_divergence_is_a_status_and_final(bench):
    arguments = (
        "run",
        "tiny",
        "--model",
        "lstm",
        "--set",
        "fit.optimizer.lr=1e38",
        "--set",
        "fit.optimizer.name=sgd",
        "--set",
        "fit.clip=null",
    )
    done = bench(*arguments, "--json", code=3)
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[-1]["status"] == "diverged" and "finite between 0 and " in events[-1]["reason"]
    assert any(None in e["metrics"].values() for e in events if e["event"] == "measured")
    assert "already diverged" in bench(*arguments, code=3).err
    assert "1 diverged" in bench(*arguments, code=3).err


def test_a_closed_pipe_ends_quietly(bench):
    with bench.start("run", "tiny", "--json", "--updates", 500) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(timeout=60) == 141 and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cpoy"], "no benchmark is called 'cpoy'; did you mean 'copy'?"),
        (["tiny", "--model", "urm"], "no model is called 'urm'; did you mean 'urnn'?"),
        (["tiny", "--kernel", "eagre"], "has no kernel 'eagre'; did you mean 'eager'?"),
        (["tiny", "--kernel", "vendor"], "the model 'urnn' has no kernel 'vendor'"),
        (
            ["tiny", "--device", "cuda"],
            "--device cuda: this device is not available; use --device cpu",
        ),
        (["tiny", "--set", "models.lstm.hidden=0"], "hidden=0: must be at least 1, not 0"),
        (["tiny", "--set", "fit.no=1"], "--set fit.no=1: unknown key 'no'"),
        (["adding", "--T", "1"], "T: must be at least 2, not 1"),
        (["tiny", "--set", "figures=[nonesuch]"], "no figure is called 'nonesuch'"),
        (["nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["tiny", "--include", "none.py"], "none.py: there is no such file to include"),
        (["tiny", "--results", "/proc/nothing"], "/proc/nothing: nothing can be written there"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(bench, arguments, sentence):
    if "cuda" in arguments and os.path.exists("/dev/nvidia0"):
        pytest.skip("a CUDA device is here, so asking for it is no error")
    said = bench("run", *arguments, code=2)
    assert said.err.startswith("urnn-bench: error: ") and said.err.count("\n") == 1, said.err
    assert sentence in said.err and said.out == "" and not bench.runs()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["tiny", "--T", "0"], "'--T'"),
        (["tiny", "--T", "long"], "'--T'"),
        (["tiny", "--sedes", "3"], "--seeds"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_exit_2(bench, arguments, text):
    assert text in bench("run", *arguments, code=2).err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["run", "cpoy"], 2), (["status"], 5), (["list"], 0), (["--no-such"], 2), (["plot", "x"], 2)],
)
def test_exit_codes_reach_the_shell(bench, arguments, code):
    said = bench.process(*arguments, code=code)
    assert "Traceback" not in said.err and bool(said.out) == (code == 0)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("x = 1\n", "defines no public subclass of Cell, Task, Readout, Figure, Probe or Unit"),
        ("import nothing_of_the_kind\n", "cannot be imported: ModuleNotFoundError"),
        ("def (:\n", "cannot be imported: SyntaxError"),
    ],
)
def test_a_file_that_is_no_component_is_said(bench, source, sentence):
    path = bench.write("mine.py", source)
    assert sentence in bench("run", "tiny", "--include", path, code=2).err


def test_results_of_a_newer_version_are_left_alone(bench):
    bench("run", "tiny", "--model", "lstm")
    path = bench.runs()[0] / "run.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "schema_version": 99}))
    before = path.read_bytes()
    sentence = "written by a newer urnn-bench (schema 99, this one reads 1)"
    assert sentence in bench("run", "tiny", code=2).err
    for command in ("status", "table", "plot"):
        said = bench(command, "tiny")
        assert sentence in said.err
        assert "urnn" in said.out or command == "plot", "the other runs are shown"
    assert path.read_bytes() == before
    path.write_text("{half")
    assert "run.json: cannot be read" in bench("run", "tiny", code=2).err
