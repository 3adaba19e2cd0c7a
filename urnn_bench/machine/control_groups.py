"""Linux control groups: the limits that a container or a batch system sets to a process.

A process is in a group of each hierarchy, and every group above it limits it too. Version 1 has a
hierarchy for each controller, version 2 one for all. A container may mount its own group alone.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

# a line of /proc/self/mountinfo: root, mount point, type, and options of the file system
_MOUNT = re.compile(r"\S+ \S+ \S+ (\S+) (\S+) .*? - (cgroup2?) \S+ (\S+)")
_OCTAL = re.compile(r"\\([0-7]{3})")
_PROCESS = Path("/proc/self")


class Group(NamedTuple):
    """The folder of a control group, and the version of its hierarchy."""

    version: int
    folder: Path


def groups(controller: str) -> list[Group]:
    """Return the groups that limit this process, its own first; none where there are no groups."""
    memberships, mounts = read(_PROCESS / "cgroup"), read(_PROCESS / "mountinfo")
    return parsed_groups(memberships or "", mounts or "", controller)


def parsed_groups(memberships: str, mounts: str, controller: str) -> list[Group]:
    """Return the groups that limit a process, from what the kernel says of it.

    Folders that do not exist are among them where a container sees a part of the hierarchy.
    """
    paths = _paths(memberships)
    found: list[Group] = []
    for root, point, kind, options in map(_fields, _MOUNT.findall(mounts)):
        version = 2 if kind == "cgroup2" else 1
        key = "" if version == 2 else controller
        if key in paths and (version == 2 or controller in options.split(",")):
            folders = _upwards(paths[key], root, Path(point))
            found += [Group(version, folder) for folder in folders]
    return found


def read(path: Path) -> str | None:
    """Return the text of a file of the kernel, None if it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def read_number(path: Path) -> int | None:
    """Return a file's number, None if there is none, as in "max"."""
    text = (read(path) or "").strip()
    return int(text) if text.isdecimal() else None


def read_statistic(path: Path, names: Iterable[str]) -> int:
    """Return the first of some numbers of a file of names and numbers, 0 if it has none."""
    words = [line.split() for line in (read(path) or "").splitlines()]
    numbers = {line[0]: int(line[1]) for line in words if len(line) == 2 and line[1].isdecimal()}
    return next((numbers[name] for name in names if name in numbers), 0)


def _paths(memberships: str) -> dict[str, str]:
    """Return a process's path in the hierarchy of each controller; version 2 has the name ""."""
    fields = [line.split(":", 2) for line in memberships.splitlines() if line.count(":") >= 2]
    return dict(chain.from_iterable(_named(names, path) for _, names, path in fields))


def _named(names: str, path: str) -> Iterator[tuple[str, str]]:
    yield from ((name, path) for name in names.split(","))


def _fields(mount: tuple[str, ...]) -> list[str]:
    """Return the fields of a mount without escapes: a space is written as ``\\040``."""
    return [_OCTAL.sub(lambda match: chr(int(match[1], 8)), field) for field in mount]


def _upwards(path: str, root: str, point: Path) -> list[Path]:
    """Return the folders of a group and of those above it, up to where ``root`` is mounted."""
    group, mounted = PurePosixPath(path), PurePosixPath(root)
    if ".." in group.parts or not group.is_relative_to(mounted):
        # of another name space, which sees no more than what is mounted
        return [point]
    folder = point / group.relative_to(mounted)
    return [p for p in (folder, *folder.parents) if p.is_relative_to(point)]
