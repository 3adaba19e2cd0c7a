"""Made-up signals: twelve subjects of ten trials."""

import numpy as np


def write(folder):
    (folder / "deap").mkdir()
    rng = np.random.default_rng(0)
    for subject in range(12):
        np.savez(
            folder / "deap" / f"s{subject + 1:02}.npz",
            data=rng.integers(-100, 100, (10, 40, 8064), dtype=np.int8),
            labels=rng.uniform(1, 9, (10, 4)),
        )
