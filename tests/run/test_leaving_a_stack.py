"""What ends one run of a stack leaves its folder final and free, whatever the others do."""

import json

import pytest

from urnn_bench.records.lock import locked
from urnn_bench.run.recorder import RunRecorder

BROKEN_TASK = """
from urnn_bench.tasks.copying import Copying as Base


class Broken(Base):
    def batch(self, split, index, size, seed):
        if split == "train" and index == 2 and seed == 0:
            raise ValueError("no such batch")
        return super().batch(split, index, size, seed)
"""

BROKEN_PROBE = """
from urnn_bench.probes.base import Probe


class Failing(Probe):
    reads = 0

    def read(self, trace):
        type(self).reads += 1
        if type(self).reads > 1:
            raise ValueError("nothing to read")
        return {"h": trace.states["h"].abs().mean((1, 2))}
"""

NO_SIGNATURE = """
from urnn_bench.tasks.copying import Copying as Base


class Unsigned(Base):
    @property
    def signature(self):
        raise ValueError("no signature")
"""


def record(folder):
    return json.loads((folder / "run.json").read_text())


def test_a_run_that_failed_is_unlocked_while_the_others_train(bench, monkeypatch):
    path = bench.write("broken.py", BROKEN_TASK)
    free, close = [], RunRecorder.close

    def close_and_look(recorder):
        closed = close(recorder)
        # another lock of the same file, as another process would take it
        with locked(recorder.run.folder) as is_free:
            free.append(is_free is not None)
        return closed

    monkeypatch.setattr(RunRecorder, "close", close_and_look)
    bench(
        "run",
        "tiny",
        "--model",
        "lstm",
        "--seeds",
        3,
        "--stacked",
        "--include",
        path,
        "--set",
        "task.name=broken",
        "--set",
        "task.recall=2",
        code=3,
    )
    assert free == [True, True, True]
    statuses = [record(folder)["status"] for folder in bench.runs()]
    assert sorted(statuses) == ["done", "done", "failed"]


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_probe_that_fails_at_the_last_update_ends_no_run(bench, seeds):
    path = bench.write("failing.py", BROKEN_PROBE)
    shown = bench(
        "run",
        "tiny",
        "--model",
        "lstm",
        "--seeds",
        seeds,
        "--stacked",
        "--include",
        path,
        "--set",
        "probes={at: [0, 6], read: [failing]}",
        "--json",
    )
    events = [json.loads(line) for line in shown.out.splitlines()]
    ends = [event for event in events if event["event"] == "end"]
    assert [event["status"] for event in ends] == ["done"] * seeds
    assert len({event["run"] for event in ends}) == seeds
    # one look of all of them succeeded, and each of the others is told once for its run
    assert shown.err.count("failing cannot be read") == seeds
    for folder in bench.runs():
        assert record(folder)["test"] is not None
        assert ",test," in (folder / "metrics.csv").read_text()
        assert not (folder / "error.txt").exists()


def test_a_task_without_a_signature_fails_its_run_and_no_other(bench):
    path = bench.write("unsigned.py", NO_SIGNATURE)
    err = bench(
        "run", "tiny", "--model", "lstm", "--include", path, "--set", "task.name=unsigned", code=3
    ).err
    assert "no signature" in err and "1 failed" in err
