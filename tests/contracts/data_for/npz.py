"""Made-up sequences of two channels, whose mean decides the class: sixty of each split."""

import numpy as np


def write(folder):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(180, 12, 2))
    np.savez(
        folder / "data.npz",
        x=x,
        y=(x.mean((1, 2)) > 0).astype(int),
        splits=np.repeat(["train", "validation", "test"], 60),
    )
