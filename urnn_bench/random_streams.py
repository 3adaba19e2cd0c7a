"""Independent random streams from one seed and a path of names.

A stream is a function of its path alone: batch 7 of the training data of seed 0 is the same on
every device, for every model, and after a run is resumed, without any state to save.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def stream_seed(seed: int, *path: str | int) -> int:
    """Return a 63-bit seed for the stream that ``path`` names under ``seed``."""
    # a hash, not a sum of seed and index: neighbouring seeds must not share streams
    name = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """Return a fresh CPU generator at the start of the stream that ``path`` names."""
    return torch.Generator().manual_seed(stream_seed(seed, *path))


def may_draw(component: object) -> bool:
    """Return whether a component may draw from the global generators: all but the built-in ones."""
    return not type(component).__module__.startswith("urnn_bench.")


def seed_globals(seed: int, *path: str | int) -> None:
    """Let the global generators of torch, numpy and Python follow the stream that ``path`` names.

    A user's component may draw from them anywhere. Before each of its parts they are set to a
    stream of the part's own, so that its numbers do not depend on what was drawn before.
    """
    value = stream_seed(seed, *path)
    torch.default_generator.manual_seed(value)
    if _has_cuda_started():
        torch.cuda.manual_seed_all(value)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(value)
    # Python's and numpy's are the same algorithm: its seeds must differ for its numbers to differ
    np.random.seed(stream_seed(value, "numpy") & 0xFFFFFFFF)
    random.seed(stream_seed(value, "python"))


def global_states() -> tuple[object, ...]:
    """Return the states of the global generators, which are equal if nothing was drawn between."""
    name, words, *rest = np.random.get_state()
    states = (torch.default_generator.get_state().numpy().tobytes(), random.getstate())
    return *states, name, np.asarray(words).tobytes(), *rest, *_cuda_states()


def _has_cuda_started() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _cuda_states() -> list[tuple[int, int]]:
    # a generator cannot be read while a graph is captured
    if not _has_cuda_started() or torch.cuda.is_current_stream_capturing():
        return []
    return [(g.initial_seed(), g.get_offset()) for g in torch.cuda.default_generators]


@contextmanager
def seeded(seed: int, *path: str | int) -> Iterator[None]:
    """Let the global generators follow a named stream, and restore the CPU's afterwards.

    Initial values are drawn by functions that take no generator.
    """
    with torch.random.fork_rng(devices=[]):
        numpy_state, python_state = np.random.get_state(), random.getstate()
        try:
            seed_globals(seed, *path)
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
