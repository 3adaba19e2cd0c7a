"""Recordings of noise, for tasks that read wave files."""

import wave

import numpy as np


def write(path, seed, samples=700):
    """Write a recording of 8 kHz and 16 bits."""
    noise = np.random.default_rng(seed).integers(-9000, 9000, samples, dtype="<i2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, samples, "NONE", "not compressed"))
        file.writeframes(noise.tobytes())
