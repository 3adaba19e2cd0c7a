"""`run --on ray`: a real cluster of this machine trains what one process would."""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster.slurm import waited_for

from urnn_bench.errors import UsageError
from urnn_bench.launchers._ray_cluster import Cluster
from urnn_bench.launchers._ray_share import Share
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.run.context import ExecutionOptions
from urnn_bench.run.device import Backend
from urnn_bench.run.job_count import Jobs
from urnn_bench.run.matrix import matrix
from urnn_bench.spec.sweep import Selection

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'urnn-bench[ray]'")

# kills the process that trains it, once
KILLED = '''
"""A cell whose process is killed at its first step."""

import os
import signal
from pathlib import Path

from urnn_bench.cells.lstm import Lstm


class Killed(Lstm):
    """An LSTM."""

    def step(self, *args):
        marker = Path({marker!r})
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(*args)
'''

OWN = '''
"""A cell of a user's."""

from urnn_bench.cells.lstm import Lstm


class Own(Lstm):
    """An LSTM."""
'''

pytestmark = pytest.mark.timeout(300)


def losses(folder):
    with (folder / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "train_s"} for row in csv.DictReader(file)]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def head(port, *before):
    """Start a head node, by a command after the words ``before``, and end it and no other."""
    path = str(Path(sys.executable).with_name("ray"))
    options = ("--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false")
    command = [*before, path, "start", *options, "--disable-usage-stats", "--block"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ray:
        waited_for(lambda: is_answered(port))
        yield
        ray.terminate()


def is_answered(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("cluster", "stacks", "threads", "cpus", "gpus", "at_once"),
    [
        # processors are shared among all stacks, as far as one node has them
        ({"cpus": 16, "gpus": 0}, 4, None, 4, 0, 4),
        ({"cpus": 64, "gpus": 0}, 2, None, 16, 0, 2),
        ({"cpus": 16, "gpus": 0}, 100, None, 1, 0, 16),
        ({"cpus": 16, "gpus": 0}, 100, 4, 4, 0, 4),
        # a GPU for each task
        ({"cpus": 16, "gpus": 2}, 100, None, 1, 1, 2),
    ],
)
def test_a_task_gets_its_share_of_the_cluster(
    tmp_path, cluster, stacks, threads, cpus, gpus, at_once
):
    options = ExecutionOptions(Components(), Backend(), tmp_path)
    its = Cluster(ray, "here", node_cpus=16, node_memory=8e9, **cluster)
    share = Share.of(its, Jobs([()] * stacks, stacks, threads), options)
    assert (share.cpus, share.gpus, share.at_once) == (cpus, gpus, at_once)
    run = matrix(Components(), ["copy"], Selection()).runs[0]
    resources = share.resources([run] * 20)
    # Ray would wait forever for a node with more memory than any has
    assert resources["num_gpus"] == gpus and resources["memory"] < its.node_memory


def test_a_task_that_fits_on_no_node_is_one_sentence(tmp_path):
    options = ExecutionOptions(Components(), Backend(), tmp_path)
    for node_cpus, threads in ((2, 64), (0, None)):
        its = Cluster(ray, "here", cpus=2, gpus=0, node_cpus=node_cpus, node_memory=8e9)
        with pytest.raises(UsageError, match="the most of all nodes"):
            Share.of(its, Jobs([()], 1, threads), options)


def test_a_cluster_trains_what_one_process_would_and_survives_a_killed_worker(bench):
    marker = bench.folder / "killed"
    bench.write("killed.py", KILLED.format(marker=str(marker)))
    command = ("run", "tiny", "--include", "killed.py", "--model", "killed,lstm,urnn")
    said = bench(*command, "--on", "ray", "--jobs", 2, "--results", "two")
    assert marker.exists() and "its worker died; it goes on from the last checkpoint" in said.err
    assert "3 done" in said.err and said.err.count("of training") == 3
    bench(*command, "--jobs", 1, "--results", "one", "-q")
    folders = sorted((bench.folder / "one/tiny").iterdir())
    assert len(folders) == 3
    for folder in folders:
        other = bench.folder / "two/tiny" / folder.name
        assert losses(folder) == losses(other)
        session = Record.read(other).sessions[-1]
        assert session.job.startswith("ray ") and session.pid != os.getpid()
        assert session.argv[:2] == ("run", "tiny")
    again = bench(*command, "--on", "ray", "--results", "two").err
    assert again.count("already done") == 3


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="only root can give a node a file system of its own",
)
def test_records_come_back_from_a_node_that_shares_no_files(bench, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    (bench.folder / "results").mkdir()
    hide = f'mount -t tmpfs none {bench.folder} && exec "$@"'
    elsewhere = ("unshare", "--mount", "sh", "-c", hide, "sh")
    port = free_port()
    bench.write("own.py", OWN)
    command = ("run", "tiny", "--include", "own.py", "--model", "own,lstm")
    # what is here already goes along, and only what is left is trained
    bench(*command, "--time-limit", 1e-9, "--jobs", 1, code=3)
    with head(port, *elsewhere):
        # Ray remembers the settings of a process's first cluster
        process = bench.start(*command, "--on", f"ray:127.0.0.1:{port}")
        _, said = process.communicate(timeout=240)
    assert process.returncode == 0 and "2 done" in said
    for folder in bench.runs():
        record = json.loads((folder / "run.json").read_text())
        assert [session["from_step"] for session in record["sessions"]] == [0, 1]
        assert (folder / "checkpoint.pt").exists() and not (folder / ".lease").exists()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("ray:here", "is not HOST:PORT"),
        ("ray:127.0.0.1:1", "nobody answers there"),
    ],
)
def test_a_wrong_address_is_one_sentence(bench, target, expected):
    said = bench("run", "tiny", "--on", target, code=2).err
    assert expected in said and said.count("\n") == 1
