"""A run killed at any moment and started again ends as if nothing had happened."""

import csv
import io
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from urnn_bench.records.lines import CsvAppender
from urnn_bench.records.record import Record
from urnn_bench.run.provenance import environment_changes

# enough for a checkpoint in the middle, which comes after a second, on a faster machine too
STEPS = 1000


def table(folder):
    """metrics.csv without its column of times, as text."""
    with (folder / "metrics.csv").open() as file:
        return [[v for k, v in row.items() if k != "train_s"] for row in csv.DictReader(file)]


def state(folder):
    content = torch.load(folder / "checkpoint.pt", weights_only=True)
    content["position"].pop("train_s")
    content["lengths"].pop("metrics.csv")
    return content


def equal(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(equal(one[k], two[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(equal, one, two))
    return one == two


PROBING = ("--probe", "--set", "probes.every=50")
ARGUMENTS = ("run", "tiny", "--model", "urnn", "--steps", STEPS, *PROBING)


@pytest.fixture
def whole(bench):
    """An uninterrupted run to compare with, and a command line whose results are empty again."""
    bench(*ARGUMENTS, "--results", "whole")
    return next((bench.folder / "whole" / "tiny").iterdir())


def wait_for_checkpoint(folder, process):
    for _ in range(1200):
        if list(folder.glob("results/tiny/*/checkpoint.pt")):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("no checkpoint came")


def test_killed_and_resumed_is_the_same_to_the_byte(bench, whole):
    process = bench.start(*ARGUMENTS)
    wait_for_checkpoint(bench.folder, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (folder,) = bench.runs()
    assert Record.read(folder).status == "running"
    assert bench("status").out.splitlines()[1].split("\t")[2] == "interrupted"
    middle = torch.load(folder / "checkpoint.pt", weights_only=True)["position"]["step"]
    assert 0 < middle < STEPS, "the kill must come in the middle for this to test anything"
    # what a crash may leave behind: a line that was being written, and lines after the checkpoint
    with (folder / "metrics.csv").open("a") as file:
        file.write("399,1596,1.0,train,cross_entropy_nat,0.5\n399,15")
    with (folder / "probes.csv").open("a") as file:
        file.write("999,gradient_norm,h,1,0.5\n999,grad")
    said = bench.process(*ARGUMENTS)
    assert f"resumed at update {middle}" in said.err
    assert table(folder) == table(whole)
    assert (folder / "probes.csv").read_bytes() == (whole / "probes.csv").read_bytes()
    assert equal(state(folder), state(whole))
    record = Record.read(folder)
    assert record.status == "done" and record.test == Record.read(whole).test
    assert [s.from_step for s in record.sessions] == [0, middle]


STACK = (
    "run",
    "tiny",
    "--model",
    "lstm",
    "--seeds",
    2,
    "--steps",
    STEPS,
    "--kernel",
    "eager",
    "--set",
    "fit.dtype=float64",
    "--together",
)


def test_a_stack_killed_and_resumed_ends_as_its_runs_do_by_themselves(bench):
    process = bench.start(*STACK)
    wait_for_checkpoint(bench.folder, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "resumed at update" in bench.process(*STACK).err
    bench(*STACK[:-1], "--results", "whole")
    for folder in bench.runs():
        pairs = zip(
            table(folder), table(bench.folder / "whole" / "tiny" / folder.name), strict=True
        )
        for (*found, value), (*expected, other) in pairs:
            assert found == expected
            assert float(value) == pytest.approx(float(other), rel=1e-6)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_saves_then_stops_and_the_run_goes_on_later(bench, whole, number, code):
    # tests that run under nohup have SIGHUP ignored, and would pass that on
    process = bench.start(*ARGUMENTS, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    wait_for_checkpoint(bench.folder, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert number.name in err and "1 interrupted" in err
    (folder,) = bench.runs()
    record = Record.read(folder)
    assert record.status == "interrupted" and record.reason == f"stopped by {number.name}"
    assert 0 < record.steps_done < STEPS
    assert (
        int(bench("status").out.splitlines()[1].split("\t")[3].split("/")[0]) == record.steps_done
    )
    bench(*ARGUMENTS)
    assert table(folder) == table(whole) and equal(state(folder), state(whole))


def test_a_time_limit_puts_a_run_aside(bench, whole):
    said = bench(*ARGUMENTS, "--time-limit", "0", code=3)
    (folder,) = bench.runs()
    assert Record.read(folder).status == "timeout" and "the time limit of 0 s" in said.err
    assert Record.read(folder).steps_done == 1
    bench(*ARGUMENTS)
    assert table(folder) == table(whole)


def test_a_damaged_checkpoint_is_said_and_replaced_only_by_force(bench):
    bench(*ARGUMENTS, "--time-limit", "0", code=3)
    (folder,) = bench.runs()
    before = (folder / "metrics.csv").read_bytes()
    good = (folder / "checkpoint.pt").read_bytes()
    flipped = bytearray(good)
    with ZipFile(io.BytesIO(good)) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        flipped[good.index(archive.read(largest))] ^= 1
    other = io.BytesIO()
    torch.save([1, 2], other)
    for damage in (b"not a checkpoint", good[:200], b"", bytes(flipped), other.getvalue()):
        (folder / "checkpoint.pt").write_bytes(damage)
        said = bench(*ARGUMENTS, code=2)
        assert "the checkpoint is damaged" in said.err and "--force" in said.err
        assert "Traceback" not in said.err and said.err.count("\n") == 1
        assert (folder / "metrics.csv").read_bytes() == before
    bench(*ARGUMENTS, "--force")
    assert Record.read(folder).status == "done"


def test_lost_and_damaged_lines_are_left_out_with_a_warning(bench):
    bench(*ARGUMENTS, "--time-limit", "0", code=3)
    (folder,) = bench.runs()
    path = folder / "metrics.csv"
    path.write_bytes(path.read_bytes()[:-9])
    said = bench(*ARGUMENTS)
    assert "its end is missing; the run resumes without it" in said.err
    assert Record.read(folder).status == "done"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], 'half,"a,line', *lines[2:]]) + "\n")
    said = bench("table", "tiny")
    assert "1 line cut short or damaged, left out" in said.err and "urnn" in said.out


def test_two_processes_share_a_matrix_and_never_a_run(bench):
    arguments = ("run", "tiny", "--seeds", 3, "--steps", 60)
    processes = [bench.start(*arguments) for _ in range(2)]
    outputs = [p.communicate(timeout=120) for p in processes]
    assert [p.returncode for p in processes] == [0, 0], outputs
    records = [Record.read(folder) for folder in bench.runs()]
    assert len(records) == 6 and {r.status for r in records} == {"done"}
    assert all(len(r.sessions) == 1 for r in records), "no run was carried out twice"
    bench(*arguments, "--results", "alone")
    for folder in bench.runs():
        assert table(bench.folder / "alone" / "tiny" / folder.name) == table(folder)


def test_a_copied_checkpoint_of_another_run_is_refused(bench):
    bench(*ARGUMENTS, "--seeds", 2, "--time-limit", "0", code=3)
    one, two = bench.runs()
    shutil.copy(one / "checkpoint.pt", two / "checkpoint.pt")
    assert "is of another run" in bench(*ARGUMENTS, "--seeds", 2, code=2).err


def test_resuming_with_other_arithmetic_is_said(bench):
    arguments = ("run", "tiny", "--model", "lstm", "--steps", 20)
    bench(*arguments, "--time-limit", "0", code=3)
    assert "resumed with another kernel" in bench(*arguments, "--kernel", "eager").err


def test_a_session_that_was_killed_before_its_network_was_built_changes_nothing(bench):
    bench("run", "tiny", "-q")
    record = Record.read(bench.runs("tiny")[0])
    (built,) = record.sessions
    killed = built.model_copy(update={"device": "", "device_name": "", "kernel": ""})
    other = built.model_copy(update={"kernel": "other"})

    def changes(*sessions):
        return environment_changes(record.model_copy(update={"sessions": sessions}))

    assert changes(killed, built) == changes(built, killed, built) == ""
    assert changes(built, killed, other) == "kernel"


class Killed(BaseException):
    """Stands for SIGKILL at one moment: no handler of ours may catch it and go on."""


class Death:
    """Counts what a run writes, and kills it just before the n-th time."""

    def __init__(self, patch, moment):
        self.left = moment
        for owner, name in (
            (os, "replace"),
            (os, "fsync"),
            (CsvAppender, "append"),
            (Path, "unlink"),
        ):
            patch.setattr(owner, name, self.deadly(getattr(owner, name)))

    def deadly(self, function):
        def wrapped(*args, **kwargs):
            self.left -= 1
            if self.left == 0:
                raise Killed
            return function(*args, **kwargs)

        return wrapped


# a killed process closes no files
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize("setting", ["fit.steps=3", "fit.optimizer={name: sgd, lr: 1e38}"])
def test_killed_before_any_write_whatsoever(bench, setting, force):
    """Done and diverged runs, new and by force: after each death the rerun ends the same."""
    arguments = ("run", "tiny", "--model", "lstm", "--set", setting, "--set", "fit.clip=null", "-q")
    code = 0 if "steps" in setting else 3
    bench(*arguments, "--results", "whole", code=code)
    (whole,) = (bench.folder / "whole" / "tiny").iterdir()
    for moment in range(1, 1000):
        results = f"m{moment}"
        if force:
            shutil.copytree(bench.folder / "whole", bench.folder / results)
        with pytest.MonkeyPatch.context() as patch:
            death = Death(patch, moment)
            with suppress(Killed):
                bench(*arguments, *force, "--results", results, code=code)
        if death.left > 0:
            break
        bench(*arguments, "--results", results, code=code)
        (folder,) = (bench.folder / results / "tiny").iterdir()
        if force:
            # the finished record is still there, or the new one; the same command goes on
            assert table(folder) == table(whole), f"killed before write {moment}"
            bench(*arguments, *force, "--results", results, code=code)
        assert table(folder) == table(whole), f"killed before write {moment}"
        assert Record.read(folder).status == Record.read(whole).status
        assert Record.read(folder).test == Record.read(whole).test
        leftovers = {p.name for p in folder.iterdir()}
        assert leftovers <= {"run.json", "metrics.csv", "checkpoint.pt", ".lock"}
    assert moment > 15, "the run was never killed"
