"""Made-up gestures: sixty of each split, of 2 to 9 frames."""

import numpy as np


def write(folder):
    (folder / "chalearn").mkdir()
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 10, 180)
    np.savez(
        folder / "chalearn" / "gestures.npz",
        x=rng.normal(size=(lengths.sum(), 20, 3)),
        lengths=lengths,
        classes=np.arange(180) % 20,
        split=np.arange(180) % 3,
    )
