"""Independent random streams from one seed and a path of names.

A stream is a function of its path alone: batch 7 of the training data of seed 0 is the same on
every device, for every model, and after a run is resumed, without any state to save.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def stream_seed(seed: int, *path: str | int) -> int:
    """Return a 63-bit seed for the stream that ``path`` names under ``seed``."""
    # a hash, not a sum of seed and index: neighbouring seeds must not share streams
    name = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """Return a fresh CPU generator at the start of the stream that ``path`` names."""
    return torch.Generator().manual_seed(stream_seed(seed, *path))


@contextmanager
def seeded(seed: int, *path: str | int) -> Iterator[None]:
    """Let torch's global CPU generator follow a named stream, and restore it afterwards.

    Initial values are drawn by torch's functions, which take no generator.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, *path))
        yield
