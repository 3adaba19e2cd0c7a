"""The memory that this process may use, in bytes: not the machine's, where less is allowed."""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from urnn_bench.machine.control_groups import Group, groups, read_number, read_statistic


class Memory(NamedTuple):
    """Memory, and the swap space beside it; None where nothing limits it."""

    memory: int
    swap: int | None = None


def free() -> int:
    """Return the memory that is free for this process, without swap space."""
    return max(0, min(room.memory for room in _rooms()))


def free_with_swap() -> int:
    """Return the memory that is free for this process, with its swap space."""
    swap = psutil.swap_memory().free
    rooms = [room.memory + min(swap, swap if room.swap is None else room.swap) for room in _rooms()]
    return max(0, min(rooms + _below_resource_limits()))


def total() -> int:
    """Return the memory that this process could have if no other took any."""
    of_groups = [read_number(group.folder / _limit(group)) for group in groups("memory")]
    limits = [limit for limit in (*of_groups, *_resource_limits()) if limit is not None]
    return min([on_machine(), *limits])


def on_machine() -> int:
    """Return the memory that the machine has."""
    return psutil.virtual_memory().total


def group_room(group: Group) -> Memory | None:
    """Return what is free in a control group, None if it has no limit.

    The file cache that nobody has used for a while counts as free, as the kernel gives it up.
    """
    return _room_v2(group.folder) if group.version == 2 else _room_v1(group.folder)


def _rooms() -> Iterator[Memory]:
    yield Memory(psutil.virtual_memory().available)
    yield from (room for group in groups("memory") if (room := group_room(group)))
    yield from (Memory(limit, 0) for limit in _below_resource_limits())


def _limit(group: Group) -> str:
    return "memory.max" if group.version == 2 else "memory.limit_in_bytes"


def _room_v2(folder: Path) -> Memory | None:
    cached = read_statistic(folder / "memory.stat", ("inactive_file",))
    memory = _left(folder, "memory.max", "memory.current")
    swap = _left(folder, "memory.swap.max", "memory.swap.current")
    return None if memory is None else Memory(memory + cached, swap)


def _room_v1(folder: Path) -> Memory | None:
    # of the group and those below it, as in the usage
    cached = read_statistic(folder / "memory.stat", ("total_inactive_file", "inactive_file"))
    memory = _left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes")
    both = _left(folder, "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes")
    if memory is None:
        return None
    return Memory(memory + cached, None if both is None else max(0, both - memory))


def _left(folder: Path, limit: str, used: str) -> int | None:
    most = read_number(folder / limit)
    return None if most is None else most - (read_number(folder / used) or 0)


def _below_resource_limits() -> list[int]:
    """Return what is left below the limits of ``ulimit -v`` and ``ulimit -d``."""
    used = psutil.Process().memory_info()
    # psutil knows the size of the data on Linux alone
    mapped = (used.vms, getattr(used, "data", 0))
    pairs = zip(_resource_limits(), mapped, strict=True)
    return [limit - size for limit, size in pairs if limit is not None]


def _resource_limits() -> list[int | None]:
    softs = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return [None if soft == resource.RLIM_INFINITY else soft for soft in softs]
