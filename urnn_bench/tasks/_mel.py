"""Bands of the mel scale.

Young et al., The HTK Book, section "Filterbank Analysis": mel(f) = 2595 log10(1 + f / 700), and
triangles that are equally spaced and linear in mel, each as wide as two spaces.

K bands, F bins of a spectrum from 0 to half the rate.
"""

from functools import lru_cache

import torch
from torch import Tensor


def mel(hz: Tensor) -> Tensor:
    """Return frequencies in mel."""
    return 2595 * (1 + hz / 700).log10()


@lru_cache(maxsize=4)
def mel_filters(bands: int, bins: int, rate_hz: float) -> Tensor:
    """Return the weight of every bin in every band (K, F), between 0 and 1.

    A band that is narrower than two bins may have none.
    """
    found = mel(torch.linspace(0, rate_hz / 2, bins, dtype=torch.float64))
    centres = torch.linspace(0, float(found[-1]), bands + 2, dtype=torch.float64)[1:-1]
    return (1 - (found - centres[:, None]).abs() / centres[0]).clamp(min=0)
