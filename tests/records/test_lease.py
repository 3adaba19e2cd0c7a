"""One process at a time writes to a run's folder, also where hosts share no locks.

A host is simulated by a process with a host name of its own, for which the lock of the operating
system is not taken, as it does nothing on many network file systems.
"""

import errno
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from urnn_bench.records import lease
from urnn_bench.records.folder import status_of_run
from urnn_bench.records.lease import LEASE, Lease, is_held_elsewhere
from urnn_bench.records.lock import locked
from urnn_bench.run.recorder import RunRecorder

# durations in seconds that a test can wait for; a heartbeat may be late on a busy machine
_TOUCH_S, _EXPIRY_S, _TAKEOVER_S = 0.2, 2.0, 2.0

_HOST = """
import fcntl, socket, sys, time
from pathlib import Path

from urnn_bench.records import lease

host, folder = sys.argv[1], Path(sys.argv[2])
socket.gethostname = lambda: host
lease._TOUCH_S, lease._EXPIRY_S, lease.TAKEOVER_S = map(float, sys.argv[3:6])
"""

_HOLD = """
held = lease.Lease(folder)
print(held.acquire(), flush=True)
sys.stdin.read()
"""

# what this protects is locked by the operating system, which sees processes of both "hosts"
_COMPETE = """
truth = open(folder / "truth", "ab")
while True:
    held = lease.Lease(folder)
    if not held.acquire():
        continue
    try:
        fcntl.flock(truth, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("overlap", flush=True)
    print("holds", flush=True)
    time.sleep(0.05)
    assert held.is_held
    fcntl.flock(truth, fcntl.LOCK_UN)
    held.release()
    time.sleep(0.05)
"""


BROKEN = '''
"""A cell that fails."""

from urnn_bench.cells.lstm import Lstm


class Broken(Lstm):
    """An LSTM."""

    def drive(self, x, w):
        raise ValueError("broken")
'''


def process(script, host, folder):
    """Start a script on a simulated host."""
    durations = map(str, (_TOUCH_S, _EXPIRY_S, _TAKEOVER_S))
    command = [sys.executable, "-c", _HOST + script, host, str(folder), *durations]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes)


@contextmanager
def holder(host, folder):
    """Hold a folder's lease on a simulated host; yields the process."""
    with process(_HOLD, host, folder) as held:
        assert held.stdout.readline() == "True\n"
        yield held
        held.kill()


@pytest.fixture
def task():
    """Return the variables of a task of Slurm."""
    return {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_NUM_NODES": "1"}


@pytest.fixture
def short(monkeypatch):
    """Make leases expire within seconds."""
    monkeypatch.setattr(lease, "_TOUCH_S", _TOUCH_S)
    monkeypatch.setattr(lease, "_EXPIRY_S", _EXPIRY_S)
    monkeypatch.setattr(lease, "TAKEOVER_S", _TAKEOVER_S)


def untouched_since(folder, seconds):
    """Make a lease look as if nobody had touched it for so long."""
    then = time.time() - seconds
    os.utime(folder / LEASE, (then, then))


def test_one_lease_of_a_folder_is_held_at_a_time(tmp_path):
    one, two = Lease(tmp_path), Lease(tmp_path)
    assert one.acquire() and not two.acquire()
    assert one.is_held and not is_held_elsewhere(tmp_path, time.time())
    one.release()
    assert two.acquire() and two.is_held
    two.release()
    assert list(tmp_path.iterdir()) == []


def test_a_dead_process_of_this_host_loses_its_lease_at_once(tmp_path):
    code = f"from urnn_bench.records.lease import *; held = Lease(Path({str(tmp_path)!r})); "
    subprocess.run([sys.executable, "-c", code + "held.acquire(); os._exit(1)"], check=False)
    assert (tmp_path / LEASE).exists()
    with locked(tmp_path) as held:
        assert held is not None and held.is_held
    assert not (tmp_path / LEASE).exists()


@pytest.mark.usefixtures("short")
def test_a_run_of_another_host_is_running_and_is_skipped(bench):
    bench("run", "tiny", "--model", "lstm", "--time-limit", 1e-9, code=3)
    (folder,) = bench.runs()
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "status": "running"}))
    assert status_of_run(folder).status == "interrupted"
    with holder("elsewhere", folder) as held:
        assert status_of_run(folder).status == "running"
        said = bench("run", "tiny", "--model", "lstm").err
        assert "skipped: another process is training this run" in said
        (shown,) = json.loads(bench("status", "--json").out)
        assert shown["state"] == "running"
        # nothing is known of a host that was silent for so long, and it may be taken over
        held.send_signal(signal.SIGSTOP)
        untouched_since(folder, 60)
        assert status_of_run(folder).status == "interrupted"


@pytest.mark.usefixtures("short")
def test_a_run_of_a_dead_host_is_taken_over(bench):
    bench("run", "tiny", "--model", "lstm", "--time-limit", 1e-9, code=3)
    (folder,) = bench.runs()
    with holder("elsewhere", folder) as held:
        held.send_signal(signal.SIGSTOP)
        untouched_since(folder, 60)
        said = bench("run", "tiny", "--model", "lstm").err
        assert (
            "nothing was heard of its process on elsewhere" in said and "it is taken over" in said
        )
    assert status_of_run(folder).status == "done"


@pytest.mark.usefixtures("short")
def test_a_live_host_is_not_taken_over_however_late_its_clock(tmp_path):
    with holder("elsewhere", tmp_path):
        # its next touch, within the minute that a takeover waits, tells that it lives
        untouched_since(tmp_path, 60)
        assert not Lease(tmp_path).acquire()


def test_a_run_that_another_host_has_taken_over_is_left_to_it(bench, monkeypatch):
    handle, taken = RunRecorder.handle, []

    def handle_and_lose(recorder, event):
        handle(recorder, event)
        if not taken:
            taken.append((recorder.run.folder / "run.json").read_bytes())
            theirs = recorder.run.folder / "theirs"
            theirs.write_text("theirs")
            theirs.replace(recorder.run.folder / LEASE)

    monkeypatch.setattr(RunRecorder, "handle", handle_and_lose)
    said = bench("run", "tiny", "--model", "lstm").err
    (folder,) = bench.runs()
    assert "skipped: another process is training this run" in said and "1 running" in said
    # nothing was written after that, and the lease of the other is still there
    assert (folder / "run.json").read_bytes() == taken[0]
    assert (folder / LEASE).read_text() == "theirs"


@pytest.mark.parametrize("seed", [0, 1])
def test_no_two_hosts_hold_a_folder_whenever_they_are_killed(tmp_path, seed):
    draw = random.Random(seed)
    hosts = [process(_COMPETE, f"host-{i}", tmp_path) for i in range(2)]
    lines = []
    for kill in range(2):
        # until both have imported, and one is somewhere between acquiring and releasing
        lines += [host.stdout.readline() for host in hosts]
        time.sleep(draw.uniform(0.0, 0.3))
        victim = draw.randrange(2)
        hosts[victim].kill()
        lines += hosts[victim].communicate()[0].splitlines(keepends=True)
        # the other goes on, also if it has to take over
        lines.append(hosts[1 - victim].stdout.readline())
        hosts[victim] = process(_COMPETE, f"host-{victim}-{kill}", tmp_path)
    for host in hosts:
        host.kill()
        lines += host.communicate()[0].splitlines(keepends=True)
    assert lines.count("holds\n") >= 4
    assert set(lines) == {"holds\n"}


@pytest.mark.usefixtures("short")
def test_a_file_server_that_fails_for_a_while_loses_no_lease(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    held = Lease(tmp_path)
    assert held.acquire()
    # no file system here can be told to fail
    monkeypatch.setattr("filelock._lease.touch", fail)
    end_s = time.monotonic() + 60
    while held._lease.compromise is None and time.monotonic() < end_s:
        time.sleep(0.05)
    assert held._lease.compromise.reason == "refresh-failed"
    untouched_since(tmp_path, 60)
    assert held.is_held
    # asking has touched it, so that no other takes it
    assert time.time() - (tmp_path / LEASE).stat().st_mtime < 30
    held.release()


@pytest.mark.parametrize("content", ["", "half a na"])
def test_a_torn_lease_is_free_once_it_is_old(tmp_path, content):
    (tmp_path / LEASE).write_text(content)
    assert not Lease(tmp_path).acquire()
    untouched_since(tmp_path, lease.TAKEOVER_S + 60)
    held = Lease(tmp_path)
    assert held.acquire() and held.is_held
    held.release()


def test_a_container_of_this_host_is_another_host(tmp_path):
    owner = f"filelock/2\npid=1\nhost={socket.gethostname()}?pidns-1\nmode=lease\n"
    (tmp_path / LEASE).write_text(f"{owner}token=0\nduration={lease._EXPIRY_S}\n")
    assert is_held_elsewhere(tmp_path, time.time())
    assert Lease(tmp_path).abandoned_by is None
    untouched_since(tmp_path, lease.TAKEOVER_S + 60)
    assert Lease(tmp_path).abandoned_by == socket.gethostname()


def test_a_job_that_is_restarted_on_another_host_goes_on(bench, task):
    bench("run", "tiny", "--model", "lstm", "--time-limit", 1e-9, code=3, env=task)
    (folder,) = bench.runs()
    record = json.loads((folder / "run.json").read_text())
    with holder("elsewhere", folder) as held:
        record["sessions"][-1] |= {"host": "elsewhere", "pid": held.pid}
        (folder / "run.json").write_text(json.dumps({**record, "status": "running"}))
        assert "skipped" in bench("run", "tiny", "--model", "lstm", env=task).err
        restarted = {**task, "SLURM_RESTART_COUNT": "1"}
        assert "1 done" in bench("run", "tiny", "--model", "lstm", env=restarted).err


def test_what_has_failed_is_tried_once_in_an_array(bench, task):
    bench.write("broken.py", BROKEN)
    command = ("run", "tiny", "--model", "broken", "--include", "broken.py")
    bench(*command, code=3, env=task)
    other_task = {**task, "SLURM_ARRAY_TASK_ID": "1"}
    assert "of training" not in bench(*command, code=3, env=other_task).err
    other_array = {**task, "SLURM_ARRAY_JOB_ID": "6"}
    bench(*command, code=3, env=other_array)
    (folder,) = bench.runs()
    jobs = [s["job"] for s in json.loads((folder / "run.json").read_text())["sessions"]]
    assert jobs == ["5_0", "6_0"]
