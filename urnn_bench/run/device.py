"""Where and how the arithmetic is done: device, kernel, threads."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from urnn_bench.engine.stacked import UpdateThreads
from urnn_bench.errors import (
    DeviceError,
)
from urnn_bench.kernels.native.threads import THREADS, keep_memory
from urnn_bench.machine import cpu, processors


@dataclass(frozen=True)
class Backend:
    """What a result should not depend on: where and how the arithmetic is done."""

    device: str = "auto"
    kernel: str = "auto"


def device_of(wanted: str) -> torch.device:
    """Return a device by name; "auto" is CUDA, MPS or the CPU, the first that is here."""
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next((name for name, yes in here.items() if yes), "cpu"))
    if not here.get(wanted, True):
        raise DeviceError(
            f"--device {wanted}: this device is not available; use --device cpu or auto"
        )
    return torch.device(wanted)


def configure_torch(threads: int | None, jobs: int = 1) -> None:
    """Fix the number of threads and enable deterministic algorithms.

    Unless told otherwise, kernels in C use every processor that is allowed, or a share of them
    among ``jobs`` processes, and torch one: at the papers' sizes a second thread of torch gains
    little, and since its threads spin while they wait, a busy machine becomes 60 times slower.
    Warns of more threads than processors.
    """
    available = processors.count()
    if threads is not None and threads > available:
        text = f"--threads {threads}: there are {available} processors here, so more is only slower"
        warnings.warn(text, stacklevel=2)
    torch.set_num_threads(threads or 1)
    THREADS.set(threads or max(1, available // jobs))
    keep_memory()
    # a recurrence that keeps norms keeps every rounding error too: no TF32 in products or cuDNN
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    # of a thread of torch's before its first product on a GPU; torch then does what is needed
    warnings.filterwarnings("ignore", "Attempting to run cuBLAS, but there was no current CUDA")
    # warn only: a user's cell may need an operation without a deterministic form
    torch.use_deterministic_algorithms(True, warn_only=True)
    # nothing here reads memory before writing it, so filling it with NaN is a tenth of the time
    # of an update spent on nothing
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@contextmanager
def update_threads(backend: Backend) -> Iterator[UpdateThreads]:
    """Yield a worker for each processor, whose kernels have one thread; one worker for a GPU."""
    count = THREADS.get() if device_of(backend.device).type == "cpu" else 1
    with ThreadPoolExecutor(count, initializer=_one_thread) as pool:
        yield UpdateThreads(count, pool.map)


def _one_thread() -> None:
    THREADS.set(1)
    # whatever torch passes on to a new thread
    torch.set_num_threads(1)


def device_name(device: torch.device) -> str:
    """Return the model of a device, of a CPU with the instructions that torch uses of it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    return f"{cpu.model(cpu.cpuinfo())}, {torch.backends.cpu.get_cpu_capability()}"
