"""The job of a batch system in records and in `status`."""

import json

import pytest

from urnn_bench.machine.batch_job import VARIABLE, job

_VARIABLES = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_ID", "PBS_JOBID", VARIABLE)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"SLURM_JOB_ID": "7"}, "7"),
        ({"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "7"}, "5_0"),
        ({"PBS_JOBID": "9.server"}, "9.server"),
        ({VARIABLE: "ray 1"}, "ray 1"),
    ],
)
def test_the_job_is_named_as_its_batch_system_does(monkeypatch, environment, expected):
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert job() == expected


def test_status_shows_where_an_interrupted_run_was(bench):
    slurm = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "7"}
    bench("run", "tiny", "--model", "lstm", "--time-limit", 1e-9, code=3, env=slurm)
    (folder,) = bench.runs()
    path = folder / "run.json"
    record = json.loads(path.read_text())
    record["status"], record["sessions"][-1]["host"] = "running", "node3"
    path.write_text(json.dumps(record))
    assert "on node3, job 5_0" in bench("status").out
    (row,) = json.loads(bench("status", "--json").out)
    assert (row["host"], row["job"]) == ("node3", "5_0")
