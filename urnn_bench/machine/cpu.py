"""What the CPU is called and what it can do, in the words of Linux where there are any.

Clouds give CPUs of several models one name, so the numbers of the model are told as well.
"""

import platform
from collections.abc import Iterator
from pathlib import Path

from urnn_bench.machine.control_groups import read

_CPUINFO = Path("/proc/cpuinfo")
# of x86-64 and of ARM
_NUMBERS = ("cpu family", "model", "cpu implementer", "cpu part")
_ABILITIES = ("flags", "features")
_NAMES = ("vendor_id", "model name", "cpu architecture", "cpu variant")
_UNKNOWN = "unknown CPU"


def cpuinfo() -> str:
    """Return what Linux says of the CPU; empty on other systems."""
    return read(_CPUINFO) or ""


def model(cpuinfo: str) -> str:
    """Return the model of the first processor: "AMD EPYC (cpu family 25, model 1)"."""
    values = dict(reversed([*_fields(cpuinfo)]))
    name = values.get("model name") or platform.processor() or platform.machine() or _UNKNOWN
    numbers = ", ".join(f"{field} {values[field]}" for field in _NUMBERS if field in values)
    return f"{name} ({numbers})" if numbers else name


def identity(cpuinfo: str) -> str:
    """Return what code compiled for this very CPU depends on: its model and its abilities.

    The order and the number of processors, their clocks and their microcode are no part of it.
    """
    known = {*_NAMES, *_NUMBERS, *_ABILITIES}
    lines = {f"{field}: {value}" for field, value in _fields(cpuinfo) if field in known}
    return "\n".join(sorted(lines)) or platform.processor()


def _fields(cpuinfo: str) -> Iterator[tuple[str, str]]:
    for line in cpuinfo.splitlines():
        field, colon, value = line.partition(":")
        if colon:
            yield field.strip().lower(), " ".join(value.split())
