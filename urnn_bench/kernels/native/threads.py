"""Threads for kernels in C: each takes whole groups of rows and never waits for another.

They are this package's own, not torch's: a thread that waits sleeps instead of spinning, so more
threads than free processors cost nothing. Python threads are enough, as ctypes lets go of the
interpreter's lock while C code runs.
"""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from threading import Event

from urnn_bench.machine import processors

_PROCESSORS = processors.count()
THREADS: ContextVar[int] = ContextVar("THREADS", default=_PROCESSORS)

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def share_out(function: Callable[[int, int], None], groups: int, threads: int) -> None:
    """Call ``function(first, last)`` for shares of ``groups``, in parallel."""
    count = max(1, min(threads, groups))
    edges = [groups * i // count for i in range(count + 1)]
    # this thread takes the first share itself: with one thread nothing is ever submitted
    pool = _pool(count - 1) if count > 1 else None
    futures = [pool.submit(function, *share) for share in pairwise(edges[1:])] if pool else []
    try:
        function(0, edges[1])
    finally:
        # even if this share failed: the others still write to memory that is this call's
        wait(futures)
    for future in futures:
        future.result()


def keep_memory() -> None:
    """Ask the C library to keep the memory of freed tensors, where it can be asked (glibc).

    A sequence's states are tens of megabytes; taking them anew from the system at every update,
    page by page, costs several times what the kernels do.
    """
    # M_MMAP_MAX 0: no allocation is a mapping of its own, which free would unmap;
    # M_TRIM_THRESHOLD: the end of the heap is not given back (mallopt(3))
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    """Return threads that have been started; raise RuntimeError if they cannot be.

    A share whose thread cannot be started stays in the queue, and another thread would write to its
    memory when that is long free.
    """
    pool, started = ThreadPoolExecutor(count, thread_name_prefix="urnn-bench"), Event()
    try:
        # each waits, so the next one needs another thread
        for _ in range(count):
            pool.submit(started.wait)
    finally:
        started.set()
    return pool


if hasattr(os, "register_at_fork"):
    # a forked process has the pools, but none of their threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
