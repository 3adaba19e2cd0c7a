"""``urnn-bench doctor``: what this machine offers, and which folders are used."""

import hashlib
import os
import platform
import re
from pathlib import Path

from urnn_bench.cli.display.output import TableRow, echo_json, echo_table
from urnn_bench.cli.options.shared import Json, Results
from urnn_bench.errors import ComponentError
from urnn_bench.registry import Components


def doctor(results: Results = None, json: Json = False) -> None:
    """Show what this machine offers: versions, devices, threads, compiler, kernels, folders."""
    parts = _parts(results)
    if json:
        echo_json(parts)
        return
    rows = [(part, key, value) for part, values in parts.items() for key, value in values.items()]
    echo_table(("part", "what", "value"), rows)


def _parts(results: Path | None) -> dict[str, TableRow]:
    from urnn_bench.data import store
    from urnn_bench.records import environment
    from urnn_bench.spec import catalogue

    commit, dirty = environment.commit()
    return {
        "versions": {**environment.versions()},
        "commit": {"commit": commit, "changed since": dirty},
        "system": _system(),
        "torch": _torch(),
        "compiler": _compiler(),
        "kernels": {**_kernels()},
        "folders": {
            "results": _results(results),
            "benchmarks": _joined(catalogue.folders()),
            "data": _joined(store.folders()),
            "kernels": _kernel_cache(),
        },
        "environment": {k: v for k, v in os.environ.items() if k.startswith("URNN_BENCH_")},
    }


def _system() -> TableRow:
    """Return what this process may use, and what the machine has where that is more."""
    from urnn_bench.machine import memory, processors

    count, on_machine = processors.count(), processors.on_machine()
    total_b, on_machine_b = memory.total(), memory.on_machine()
    return {
        "platform": platform.platform(),
        "processors": count if count == on_machine else f"{count} of {on_machine}",
        "memory": _gb(total_b) + (f" of {_gb(on_machine_b)}" if total_b < on_machine_b else ""),
        "free memory": _gb(memory.free()),
    }


def _gb(size_b: int) -> str:
    return f"{size_b / 10**9:.1f} GB"


def _torch() -> TableRow:
    import torch

    from urnn_bench.kernels.native.threads import THREADS
    from urnn_bench.run.device import configure_torch, device_name, device_of

    configure_torch(None)  # as for a run
    device = device_of("auto")
    blas = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return {
        "device (auto)": f"{device.type}: {device_name(device)}",
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "mps": torch.backends.mps.is_available(),
        "threads": torch.get_num_threads(),
        "threads of kernels in C": THREADS.get(),
        "blas": blas.group(1) if blas else None,
    }


def _compiler() -> TableRow:
    from urnn_bench.errors import KernelError
    from urnn_bench.kernels.native import compiler

    try:
        command, version = compiler.compiler(), compiler.version()
    except KernelError as error:
        return {"cc": None, "why not": str(error)}
    return {"cc": " ".join(command), "version": version.split("\n")[0], "compiles for": _cpu()}


def _cpu() -> str:
    """Return the CPU that kernels are compiled for, and what tells its abilities from others'."""
    from urnn_bench.machine import cpu

    found = cpu.cpuinfo()
    digest = hashlib.sha256(cpu.identity(found).encode()).hexdigest()[:8]
    return f"{cpu.model(found)}, abilities {digest}"


def _kernels() -> dict[str, str]:
    """Return the kernel that each model would be trained with, and why."""
    from urnn_bench.run.device import device_of

    components, device = Components(), device_of("auto").type
    return {name: _kernel(components, name, device) for name in components.cells.names()}


def _kernel(components: Components, name: str, device: str) -> str:
    """Return the kernel of a model at the example of its cell, or why it cannot be built."""
    from urnn_bench.kernels.choose import choose
    from urnn_bench.run.examples import example_cell

    try:
        choice = choose(example_cell(components, name), device, "auto")
    except ComponentError as error:
        return f"none: {error}"
    return f"{choice.name}: {choice.reason}"


def _results(results: Path | None) -> str:
    from urnn_bench.records.folder import default_results

    folder = (results or default_results()).resolve()
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    return f"{folder} ({'writable' if os.access(nearest, os.W_OK) else 'not writable'})"


def _kernel_cache() -> str:
    from urnn_bench.kernels.native import cache

    problem = cache.problem()
    if problem is None:
        return f"{cache.folder()} (writable)"
    return f"{cache.folder()} (not used, so every process compiles: {problem})"


def _joined(paths: tuple[Path, ...]) -> str:
    return ", ".join(map(str, paths))
