"""Recordings: RIFF wave files of 16-bit samples, one channel, at a given rate."""

import io
import wave

import numpy as np
from numpy.typing import NDArray

from urnn_bench.errors import DataError

_BYTES = 2


def parse(content: bytes, name: str, rate_hz: int) -> NDArray[np.float64]:
    """Return the samples (N) in [-1, 1).

    Raises DataError if the format or the rate differs, or if samples are missing.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = file.getframerate(), file.getnchannels(), file.getsampwidth()
            count = file.getnframes()
            raw = file.readframes(count)
    # RuntimeError: the module's own parser of chunks raises it for lengths that do not fit
    except (wave.Error, EOFError, RuntimeError) as error:
        raise DataError(f"{name}: is no RIFF wave file: {error or 'it is cut short'}") from error
    if form != (rate_hz, 1, _BYTES):
        raise DataError(
            f"{name}: has {form[0]} Hz, {form[1]} channel(s), {8 * form[2]} bits; "
            f"convert it to {rate_hz} Hz, 1 channel and 16 bits"
        )
    if not raw or len(raw) != count * _BYTES:
        text = f"{len(raw) // _BYTES:,} of {count:,} samples are there"
        raise DataError(f"{name}: is cut short or empty: {text}")
    samples = np.frombuffer(raw, "<i2")
    # -32768 becomes -1, and 1 itself is not reached, as in most audio libraries
    return samples.astype(np.float64) / 2**15
