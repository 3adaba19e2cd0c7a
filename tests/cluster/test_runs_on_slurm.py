"""`run --on slurm` on a real Slurm: what is trained, and what a time limit and scancel do."""

import csv
import json
import re
import sys

import pytest
from cluster.slurm import waited_for

# Slurm looks at the limit of a minute every half a minute
_SHORT = "time: '1'\ncheckpoint_s: 55\n"
_PROGRAM = f"cpus: 1\nprogram: [{sys.executable}, -m, urnn_bench]\n"
_LONG = ("run", "tiny", "--model", "lstm", "--updates", 10**6)

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("slurm")]


@pytest.fixture
def submit(bench, monkeypatch):
    """Run a command on Slurm; return the id of its job."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(bench.folder))

    def submit(*command, profile=""):
        bench.write("urnn-bench/slurm/short.yaml", _PROGRAM + profile)
        said = bench(*command, "--on", "slurm:short").err
        return re.search(r"submitted: job (\d+)", said)[1]

    return submit


def losses(folder):
    with (folder / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "train_s"} for row in csv.DictReader(file)]


def records(bench):
    return [json.loads((folder / "run.json").read_text()) for folder in bench.runs()]


def test_an_array_trains_what_one_process_would(bench, slurm, submit):
    command = ("run", "tiny", "--seeds", 2)
    job = submit(*command, "--jobs", 2)
    waited_for(lambda: not slurm("squeue", "--noheader"), within_s=120)
    bench(*command, "--jobs", 1, "--results", "one", "-q")
    folders = bench.runs()
    assert len(folders) == 4
    for folder in folders:
        assert losses(folder) == losses(bench.folder / "one/tiny" / folder.name)
    jobs = {record["sessions"][-1]["job"] for record in records(bench)}
    assert jobs <= {f"{job}_0", f"{job}_1"}


def test_a_time_limit_saves_and_requeues_and_scancel_saves_and_ends(bench, slurm, submit):
    job = submit(*_LONG, profile=_SHORT)
    waited_for(lambda: [record for record in records(bench) if len(record["sessions"]) == 2], 180)
    (shown,) = json.loads(bench("status", "--json").out)
    assert (shown["state"], shown["job"]) == ("running", f"{job}_0")
    first, second = records(bench)[0]["sessions"]
    assert first["job"] == second["job"] and second["from_step"] > 0
    log = bench.folder / f"results/.slurm/{job}_0.txt"
    waited_for(lambda: log.read_text().count("resumed at update") == 1)
    slurm("scancel", job)
    waited_for(lambda: slurm("squeue", "--noheader") == "")
    assert slurm.state(job)[0] == "CANCELLED"
    (record,) = records(bench)
    assert (record["status"], record["reason"]) == ("interrupted", "stopped by SIGTERM")
    assert record["steps_done"] > second["from_step"]
    assert log.read_text().count("interrupted (stopped by SIGTERM)") == 2


def test_a_refused_submission_is_one_sentence(bench, slurm, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(bench.folder))
    bench.write("urnn-bench/slurm/wrong.yaml", "partition: nowhere")
    said = bench(*_LONG, "--on", "slurm:wrong", code=2).err
    assert "Invalid partition name specified" in said and said.count("\n") == 1
    assert not slurm("squeue", "--noheader")
