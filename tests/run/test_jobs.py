"""`run --jobs`: runs in several processes end as they do in one."""

import csv
import os
import socket
import threading
import time
from multiprocessing.connection import Listener
from pathlib import Path

import pytest

from urnn_bench.cli.display.plain import QuietDisplay
from urnn_bench.errors import UsageError
from urnn_bench.events import Measured, Updated
from urnn_bench.machine import memory, processors
from urnn_bench.records.folder import RunStatus, records
from urnn_bench.records.record import GOOD, Record
from urnn_bench.registry import Components
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.device import Backend
from urnn_bench.run.estimates import expected_bytes, expected_s
from urnn_bench.run.job_count import Concurrency, jobs_of
from urnn_bench.run.matrix import matrix
from urnn_bench.run.relay import Address, Relay, RelayedDisplay
from urnn_bench.spec.sweep import Selection

# kills the process that trains it, once
KILLED = '''
"""A cell whose process is killed at its first step."""

import os
import signal
import warnings
from pathlib import Path

from urnn_bench.cells.lstm import Lstm


class StepWarning(UserWarning):
    """A warning that no other process knows."""


class Killed(Lstm):
    """An LSTM."""

    def step(self, *args):
        warnings.warn("a step of its own", StepWarning)
        marker = Path("killed")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(*args)
'''


class _Collected(QuietDisplay):
    def __init__(self):
        self.calls = []

    def skip(self, run, status):
        self.calls.append(("skip", run, status))

    def show(self, run, event):
        self.calls.append(("show", run, event))


def _losses(folder):
    with (folder / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "train_s"} for row in csv.DictReader(file)]


def _runs(*lengths, seeds=2):
    selection = Selection(lengths, (), tuple(range(seeds)))
    return matrix(Components(), ["copy"], selection).runs


def _options(folder, **changed):
    return ExecutionOptions(Components(), Backend(), folder, **changed)


@pytest.mark.timeout(240)
def test_runs_in_two_processes_are_those_of_one(bench):
    bench("run", "tiny", "--seeds", 2, "--jobs", 1, "--results", "one", "-q")
    said = bench("run", "tiny", "--seeds", 2, "--jobs", 2, "--results", "two")
    assert "4 done" in said.err and said.err.count("of training") == 4
    folders = sorted((bench.folder / "one/tiny").iterdir())
    assert len(folders) == 4
    for folder in folders:
        other = bench.folder / "two/tiny" / folder.name
        assert _losses(folder) == _losses(other)
        before, now = Record.read(folder), Record.read(other)
        assert before.test == now.test and before.sessions[0].jobs == 1
        (session,) = now.sessions
        assert session.jobs == 2 and session.pid != os.getpid()
    again = bench("run", "tiny", "--seeds", 2, "--jobs", 2, "--results", "two").err
    assert again.count("already done") == 4


@pytest.mark.timeout(240)
def test_a_killed_worker_is_told_and_its_run_goes_on(bench):
    bench.write("killed.py", KILLED)
    said = bench("run", "tiny", "--include", "killed.py", "--model", "killed,lstm", "--jobs", 2).err
    assert "warning: a step of its own" in said
    assert "was killed, perhaps for lack of memory" in said and "in one process" in said
    assert "2 done" in said and (bench.folder / "killed").exists()


def test_as_many_processes_as_gain_time_and_have_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "count", lambda: 4)
    many_runs = _runs(500, 100)
    many = [[run] for run in many_runs]
    options = _options(tmp_path)
    assert jobs_of(many, options, Concurrency()).count == 4
    assert jobs_of(many, options, Concurrency(threads=2)).count == 2
    assert jobs_of(many, options, Concurrency(jobs=3)).count == 3
    assert jobs_of(many[:1], options, Concurrency(jobs=3)).count == 1
    fits = [run.fit.model_copy(update={"steps": 5}) for run in many_runs]
    short = [
        [run.model_copy(update={"fit": fit})] for run, fit in zip(many_runs, fits, strict=True)
    ]
    assert jobs_of(short, options, Concurrency()).count == 1
    monkeypatch.setattr(memory, "free", lambda: 2 * expected_bytes(many[0]) + 10)
    assert jobs_of(many, options, Concurrency()).count == 2
    with pytest.raises(UsageError, match=r"3 runs at once need about .* give --jobs 2 or"):
        jobs_of(many, options, Concurrency(jobs=3))


def test_the_longest_stacks_are_first(tmp_path):
    stacks = [[run] for run in _runs(100, 500)]
    jobs = jobs_of(stacks, _options(tmp_path), Concurrency(jobs=2))
    expected = [expected_s(stack, tmp_path) for stack in jobs.stacks]
    assert expected == sorted(expected, reverse=True) and len({*expected}) > 1
    assert sorted(map(id, jobs.stacks)) == sorted(map(id, stacks))


def test_a_relay_passes_on_what_is_shown_and_asks_to_stop():
    run = _runs(10)[0]
    shown, stop = _Collected(), []
    measured = Measured(1, 1, 0.5, "train", {"loss": 1.0})
    with Relay(shown, lambda: stop[0] if stop else None) as relay:
        with RelayedDisplay(relay.address.connect()) as display:
            assert display.should_stop() is None
            display.skip(run, RunStatus("running"))
            # of updates in quick succession one is enough
            display.show(run, Updated(1, 1, 0.1))
            display.show(run, Updated(2, 2, 0.2))
            display.show(run, measured)
            stop.append("SIGINT")
            deadline = time.monotonic() + 60
            while display.should_stop() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            assert display.should_stop() == "SIGINT"
        # one that begins after the stop knows it at once
        with RelayedDisplay(relay.address.connect()) as late:
            assert late.should_stop() == "SIGINT"
    assert shown.calls == [
        ("skip", run, RunStatus("running")),
        ("show", run, Updated(1, 1, 0.1)),
        ("show", run, measured),
    ]


def test_a_worker_that_is_killed_as_it_connects_ends_no_relay():
    shown = _Collected()
    with Relay(shown, lambda: None) as relay:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(relay.address.place)
        with RelayedDisplay(relay.address.connect()) as display:
            display.skip(_runs(10)[0], RunStatus("running"))
    assert len(shown.calls) == 1


def test_a_worker_stops_where_nobody_is_there():
    def accept_and_leave():
        with listener.accept() as connection:
            connection.send(None)

    with Listener(authkey=b"key") as listener:
        thread = threading.Thread(target=accept_and_leave)
        thread.start()
        with RelayedDisplay(Address(listener.address, b"key").connect()) as display:
            thread.join()
            assert display.should_stop() == "SIGHUP"
            # what nobody reads is lost, and training is not
            display.skip(_runs(10)[0], RunStatus("running"))


@pytest.mark.parametrize("paper", ["urnn-2016", "hippo-2020", "convrnn-2018"])
def test_nine_committed_runs_of_ten_took_about_what_was_expected(paper):
    folder = Path(__file__).parents[2] / "results/paper" / paper
    ended = [record for _, record in records(folder) if record.status in GOOD]
    alone = [r for r in ended if len(r.sessions) == 1 and r.sessions[0].together == 1]
    ratios = [
        r.train_s / r.steps_done * r.run.updates / expected_s([r.run], Path("nowhere"))
        for r in alone
        if r.steps_done > 50
    ]
    assert len(ratios) > 100
    assert sum(0.1 < ratio < 10 for ratio in ratios) > 0.9 * len(ratios)
    peaks = [(r.sessions[0].peak_mb, expected_bytes([r.run])) for r in alone]
    known = [(peak_mb * 1e6, expected) for peak_mb, expected in peaks if peak_mb]
    assert sum(peak < 1.5 * expected for peak, expected in known) > 0.9 * len(known)
