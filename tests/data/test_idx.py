"""The idx format: what is written can be read, and nothing else can."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.data.idx import parse
from urnn_bench.errors import DataError


def packed(array):
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_what_is_packed_is_read_back(shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(parse(gzip.compress(packed(array)), "x"), array)


WHOLE = packed(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (WHOLE[:-1], "says 2 × 3 × 4 and holds 23 bytes"),
        (WHOLE + b"\0", "holds 25 bytes"),
        (WHOLE[:9], "ends within its header"),
        (b"\0\0", "is not an idx file"),
        (b"", "is not an idx file"),
        (b"\1" + WHOLE[1:], "is not an idx file"),
        (WHOLE[:2] + b"\x0d" + WHOLE[3:], "is not an idx file of bytes"),
        (WHOLE[:3] + b"\xff" + WHOLE[4:], "ends within its header"),
        (b"\0\0\x08\x64" + b"\0\0\0\1" * 100 + b"\0", "holds no array"),
        (WHOLE[:4] + b"\xff" * 4 + WHOLE[8:], "says 4294967295 × 3 × 4"),
    ],
)
def test_what_is_not_exactly_one_array_is_refused(raw, says):
    with pytest.raises(DataError, match=f"^images.gz: .*{says}"):
        parse(gzip.compress(raw), "images.gz")


@given(st.integers(0, len(gzip.compress(WHOLE)) - 1))
def test_a_file_that_ends_early_is_refused(length):
    with pytest.raises(DataError, match="whole gzip file"):
        parse(gzip.compress(WHOLE, mtime=0)[:length] or b"x", "images.gz")
