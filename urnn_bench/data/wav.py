"""Recordings: RIFF wave files of 16-bit samples, one channel, at a given rate."""

import io
import wave

import numpy as np
from numpy.typing import NDArray

from urnn_bench.errors import DataError

_BYTES = 2


def parse(content: bytes, name: str, rate_hz: int) -> NDArray[np.float64]:
    """Return the samples in [-1, 1]; raise DataError if the form or the rate is another."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            found = file.getframerate(), file.getnchannels(), file.getsampwidth()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(f"{name}: is no RIFF wave file: {error}") from error
    if found != (rate_hz, 1, _BYTES):
        raise DataError(f"{name}: has {found[0]} Hz, {found[1]} channels and {8 * found[2]} bits; "
                        f"convert it to {rate_hz} Hz, 1 channel and 16 bits")  # fmt: skip
    samples = np.frombuffer(raw[: len(raw) // _BYTES * _BYTES], "<i2")
    return samples.astype(np.float64) / 2**15
