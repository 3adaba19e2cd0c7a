"""The job of a batch system that this process is a part of."""

import os

# set for the workers of an engine that has no variable of its own
VARIABLE = "URNN_BENCH_JOB"
# of PBS, LSF and Grid Engine
_OTHERS = ("PBS_JOBID", "LSB_JOBID", "JOB_ID")


def job() -> str:
    """Return the job as its batch system names it, as ``1234_5`` in Slurm; empty outside of one."""
    of_array = [os.environ.get(f"SLURM_ARRAY_{part}_ID", "") for part in ("JOB", "TASK")]
    if all(of_array):
        return "_".join(of_array)
    names = (VARIABLE, "SLURM_JOB_ID", *_OTHERS)
    return next(filter(None, map(os.environ.get, names)), "")


def array() -> str:
    """Return the job array of Slurm that this process is a task of; empty outside of one."""
    return os.environ.get("SLURM_ARRAY_JOB_ID", "")


def is_restarted() -> bool:
    """Return whether Slurm has restarted this job, on one node, so that nothing of it is left."""
    restarts = os.environ.get("SLURM_RESTART_COUNT", "0")
    return restarts != "0" and os.environ.get("SLURM_JOB_NUM_NODES", "1") == "1"
