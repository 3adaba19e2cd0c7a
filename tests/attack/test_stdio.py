"""Streams that are closed or full, full disks, and errors that nobody expected."""

import errno
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from urnn_bench.__main__ import main
from urnn_bench.cli.failures import sentence
from urnn_bench.records.record import Record

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")

# its forward pass writes to the number of stderr, as a library in C would
NOISY = '''\
"""An LSTM that writes to the second stream."""

import os

from urnn_bench.cells.lstm import Lstm


class Noisy(Lstm):
    """Writes."""

    kernels = {}

    def step(self, *arguments):
        try:
            os.write(2, b"noise")
        except OSError:
            pass
        return super().step(*arguments)
'''


def broken_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    ("stdout", "text"), [(FULL, "no space is left on the disk; free some"), (None, "it is closed")]
)
def test_data_that_cannot_be_written_are_an_error(bench, stdout, text):
    bench.record("urnn")
    done = run(bench, "status", stdout=stdout)
    assert done.returncode == 1
    assert done.stderr.startswith(f"urnn-bench: error: stdout: {text}")
    assert done.stderr.count("\n") == 1


def test_the_help_that_cannot_be_written_is_an_error(bench):
    done = run(bench, "--help", stdout=FULL)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("urnn-bench: error: no space is left on the disk")


def test_training_goes_on_if_its_data_cannot_be_written(bench):
    done = run(bench, "run", "tiny", "--model", "lstm", "--json", stdout=FULL)
    assert done.returncode == 1 and "lstm T=4 seed 0: done" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("urnn-bench: error: stdout: no space")
    assert [Record.read(folder).status for folder in bench.runs()] == ["done"]


@pytest.mark.parametrize("stderr", [None, FULL, broken_pipe], ids=["closed", "full", "broken"])
def test_training_goes_on_if_its_messages_cannot_be_written(bench, stderr, attack):
    path = bench.write("noisy.py", NOISY)
    stream = stderr() if callable(stderr) else stderr
    done = run(bench, "run", "tiny", "--model", "noisy", "--include", path, stderr=stream)
    assert done.returncode == 0 and done.stdout == ""
    (folder,) = bench.runs()
    assert Record.read(folder).status == "done"
    # a file that is opened after stderr was closed must not get its number
    assert all(b"noise" not in file.read_bytes() for file in folder.iterdir())
    attack.tried("training with a stderr that is closed, full or a broken pipe")


def test_an_error_without_a_stderr_keeps_its_exit_code(bench):
    assert run(bench, "status", "cpoy", stderr=None).returncode == 2
    assert run(bench, "status", "cpoy", stderr=FULL).returncode == 2


def test_training_goes_on_without_its_terminal(bench):
    """Under nohup; otherwise SIGHUP writes a checkpoint and stops it."""
    leader, follower = pty.openpty()
    process = bench.start(
        *("run", "tiny", "--updates", 200),
        env={"TERM": "xterm"},
        stderr=follower,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    os.close(follower)
    os.read(leader, 1)
    os.close(leader)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert [Record.read(folder).status for folder in bench.runs()] == ["done", "done"]


def test_a_full_disk_is_one_sentence_and_the_run_resumes(bench, attack):
    arguments = (
        "run",
        "tiny",
        "--model",
        "lstm",
        "-q",
        "--updates",
        300,
        "--set",
        "fit.log_every=1",
    )
    limit = 8 * 1024
    done = run(
        bench,
        *arguments,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    (folder,) = bench.runs()
    name = (folder / "metrics.csv").relative_to(bench.folder)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        f"urnn-bench: error: {name}: the file would exceed the size limit"
    )
    bench(*arguments)
    assert Record.read(folder).status == "done"
    assert (folder / "metrics.csv").stat().st_size > limit
    attack.tried("a limit on the size of files, reached while a run was recorded")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "no space is left on the disk; free some, then run the same command"),
        (errno.EDQUOT, "your disk quota is used up; free"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "close some programs"),
        (errno.EROFS, "choose a folder on another one"),
        (errno.EACCES, "change the permissions"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_what_the_system_refuses_is_said_with_its_file(number, text):
    said = sentence(OSError(number, os.strerror(number), "results/x.csv"))
    assert said.startswith("results/x.csv: ") and text in said and "Errno" not in said
    assert sentence(OSError(number, "a text of our own", b"x")) == "x: a text of our own"


FAULTY = """
import urnn_bench.cli.app as module
from urnn_bench.__main__ import main
def fail(**_):
    raise {fault}
module.app = fail
main()
"""


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("KeyError('a\\x1b[31m')", "KeyError: 'a\\x1b[31m'; this is a fault of urnn-bench: please"),
        ("MemoryError", "out of memory"),
        ("RecursionError", "the input is nested too deeply"),
    ],
)
def test_an_unexpected_error_is_one_sentence(bench, fault, text):
    done = python(bench, FAULTY.format(fault=fault))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"urnn-bench: error: {text}")


def test_where_it_happened_is_shown_if_wanted(bench):
    program = FAULTY.format(fault="KeyError('a')")
    done = python(bench, program, env={"URNN_BENCH_TRACEBACK": "1"})
    assert "Traceback" in done.stderr and "in fail" in done.stderr and done.returncode == 1


def test_an_unexpected_error_reaches_whoever_called_this_package(monkeypatch):
    def fail(**_):
        raise KeyError("a")

    monkeypatch.setattr("urnn_bench.cli.app.app", fail)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(KeyError):
        main()


def run(bench, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs):
    """Run a command; a stream is a pipe, a file to write to, a number, or closed if None."""
    closed = [number for number, stream in ((1, stdout), (2, stderr)) if stream is None]
    if closed:
        kwargs["preexec_fn"] = lambda: [os.close(number) for number in closed]
    streams = [s.open("w") if isinstance(s, Path) else s for s in (stdout, stderr)]
    process = bench.start(*arguments, stdout=streams[0], stderr=streams[1], **kwargs)
    out, err = process.communicate(timeout=60)
    for stream in streams:
        if isinstance(stream, int) and stream >= 0:
            os.close(stream)
        elif hasattr(stream, "close"):
            stream.close()
    return subprocess.CompletedProcess(process.args, process.returncode, out or "", err or "")


def python(bench, program, env=None):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=bench.folder,
        env=bench.env(**(env or {})),
        capture_output=True,
        text=True,
        timeout=60,
    )
