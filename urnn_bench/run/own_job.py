"""What a task of a batch system does with runs that its own job has had before."""

from pathlib import Path
from socket import gethostname

from urnn_bench.machine import batch_job
from urnn_bench.records.lease import break_lease
from urnn_bench.records.record import FAILED_STATES, Record


def has_failed_in_this_array(record: Record | None) -> bool:
    """Return whether another task of the same array has tried a run, which would fail again."""
    array = batch_job.array()
    if record is None or not array or record.status not in FAILED_STATES:
        return False
    return record.sessions[-1].job.partition("_")[0] == array


def free_restarted(folder: Path, record: Record | None) -> None:
    """Break the lease that this job held on another host before it was restarted."""
    if record is None or not batch_job.is_restarted():
        return
    session = record.sessions[-1]
    if session.job == batch_job.job() and session.host != gethostname():
        break_lease(folder, session.pid)
