"""The processors that this process may use: not the machine's, where fewer are allowed."""

import os
from math import ceil

from urnn_bench.machine.control_groups import Group, groups, read, read_number


def count() -> int:
    """Return how many processors this process may use: its own, as far as its quota goes."""
    quotas = [quota for group in groups("cpu") if (quota := group_quota(group))]
    return max(1, ceil(min([_own(), *_of_task(), *quotas])))


def on_machine() -> int:
    """Return how many processors the machine has."""
    return os.cpu_count() or 1


def group_quota(group: Group) -> float | None:
    """Return how many processors' time a control group may use, None if it has no limit."""
    # joblib reads the group at the root alone, and takes 0.2 s to import
    if group.version == 2:
        time_us, _, period_us = (read(group.folder / "cpu.max") or "").strip().partition(" ")
        is_limited = time_us.isdecimal() and period_us.isdecimal() and int(period_us) > 0
        return int(time_us) / int(period_us) if is_limited else None
    time, period = (read_number(group.folder / f"cpu.cfs_{n}_us") for n in ("quota", "period"))
    return time / period if time and period else None


def _of_task() -> list[int]:
    """Return the processors that Slurm gives a task, which not every cluster confines to them."""
    given = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return [int(given)] if given.isdecimal() else []


def _own() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else on_machine()
