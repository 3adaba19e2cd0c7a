"""How different two colours look: to anyone, to the colour-blind, and in grey print.

What the colour-blind see is simulated as by Machado, Oliveira and Fernandes (2009) at full
severity; differences are Euclidean in CIELAB, where 2 is just visible.
"""

from functools import cache

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

# of linear red, green and blue: seen by all, without the cones for long, middle or short waves,
# and as grey of the same luminance
_SEEN = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
        [[0.2126, 0.7152, 0.0722]] * 3,
    ]
)
# linear sRGB to CIE XYZ, over those of white
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_TO_XYZ = _XYZ / _XYZ.sum(axis=1, keepdims=True)
_TO_LAB = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])


@cache
def difference(one: str, other: str) -> float:
    """Return the smallest distance of two colours in CIELAB under all simulations."""
    return float(np.linalg.norm(_seen(one) - _seen(other), axis=1).min())


@cache
def _seen(color: str) -> NDArray[np.float64]:
    """Return a colour in CIELAB under every simulation, up to a constant."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(_SEEN @ linear, 0, 1) @ _TO_XYZ.T
    curved = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    lab: NDArray[np.float64] = curved @ _TO_LAB.T
    return lab
