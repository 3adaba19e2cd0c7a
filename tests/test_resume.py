"""A run killed at any moment and started again ends as if nothing had happened."""

import csv
import shutil
import signal
import time

import pytest
import torch

from urnn_bench.records.record import Record

STEPS = 400


def table(folder):
    """metrics.csv without its column of times, as text."""
    with (folder / "metrics.csv").open() as file:
        return [[v for k, v in row.items() if k != "train_s"] for row in csv.DictReader(file)]


def state(folder):
    content = torch.load(folder / "checkpoint.pt", weights_only=True)
    content["position"].pop("train_s")
    content.pop("metrics_bytes")
    return content


def equal(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(equal(one[k], two[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(equal, one, two))
    return one == two


ARGUMENTS = ("run", "tiny", "--model", "urnn", "--steps", STEPS, "--set", "task.T=4")[:-2]


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
    assert bench("status").out.splitlines()[1].split("\t")[4] == "interrupted"
    middle = torch.load(folder / "checkpoint.pt", weights_only=True)["position"]["step"]
    assert 0 < middle < STEPS, "the kill must come in the middle for this to test anything"
    # what a crash may leave behind: a line that was being written, and lines after the checkpoint
    with (folder / "metrics.csv").open("a") as file:
        file.write("399,1596,1.0,train,cross_entropy_nat,0.5\n399,15")
    said = bench.process(*ARGUMENTS)
    assert f"resumed at update {middle}" in said.err
    assert table(folder) == table(whole)
    assert equal(state(folder), state(whole))
    record = Record.read(folder)
    assert record.status == "done" and record.test == Record.read(whole).test
    assert [s.from_step for s in record.sessions] == [0, middle]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_then_stops_and_the_run_goes_on_later(bench, whole, number, code):
    process = bench.start(*ARGUMENTS)
    wait_for_checkpoint(bench.folder, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert number.name in err and "1 interrupted" in err
    (folder,) = bench.runs()
    record = Record.read(folder)
    assert record.status == "interrupted" and record.reason == f"stopped by {number.name}"
    assert 0 < record.steps_done < STEPS
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
    for damage in (b"not a checkpoint", (folder / "checkpoint.pt").read_bytes()[:200], b""):
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
    path.write_text("\n".join([*lines[:2], "half,a,line", *lines[2:]]) + "\n")
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
    for folder in bench.runs():
        lone = bench.folder / "lone"
        label, seed = folder.name.split("-")[0], folder.name.split("-s")[1].split("-")[0]
        if not lone.exists():
            bench("run", "tiny", "--model", label, "--seed", seed, "--steps", 60, "--results", lone)
            assert table(lone / "tiny" / folder.name) == table(folder)


def test_a_copied_checkpoint_of_another_run_is_refused(bench):
    bench(*ARGUMENTS, "--seeds", 2, "--time-limit", "0", code=3)
    one, two = bench.runs()
    shutil.copy(one / "checkpoint.pt", two / "checkpoint.pt")
    assert "is of another run" in bench(*ARGUMENTS, "--seeds", 2, code=2).err


def test_resuming_with_other_arithmetic_is_said(bench):
    arguments = ("run", "tiny", "--model", "lstm", "--steps", 20)
    bench(*arguments, "--time-limit", "0", code=3)
    assert "resumed with another kernel" in bench(*arguments, "--kernel", "eager").err
