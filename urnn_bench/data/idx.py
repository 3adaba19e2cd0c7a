"""The idx format of MNIST: two zero bytes, a type, a number of axes, their lengths, the values.

Numbers are big-endian; only bytes are read. LeCun, Cortes and Burges, "The MNIST database".
"""

import gzip
import zlib
from math import prod
from struct import unpack

import numpy as np
from numpy.typing import NDArray

from urnn_bench.errors import DataError

_BYTES = 0x08


def parse(content: bytes, name: str) -> NDArray[np.uint8]:
    """Return the array in gzipped idx content; raise DataError if it is not exactly one."""
    try:
        raw = gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{name}: is not a whole gzip file: {error}") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _BYTES:
        raise DataError(f"{name}: is not an idx file of bytes")
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise DataError(f"{name}: ends within its header")
    # lengths are not trusted: a damaged header must not ask for terabytes
    shape = unpack(f">{raw[3]}I", raw[4:start])
    if prod(shape) != len(raw) - start:
        sizes = " × ".join(map(str, shape))
        raise DataError(f"{name}: says {sizes} and holds {len(raw) - start} bytes")
    try:
        return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
    except ValueError as error:
        raise DataError(f"{name}: holds no array: {error}") from error
