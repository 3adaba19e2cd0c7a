"""Fresh water: its density, and where a column is denser above than below.

T days, D depths from the surface down.
"""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

# figures compute with arrays, and do not wait for torch
Numbers = TypeVar("Numbers", float, "Tensor", "NDArray[np.float64]")

SPECIFIC_HEAT_J_KG_K = 4186.0
# a pair of depths is inverted if the upper is denser by more than this
INVERSION_KG_M3 = 0.01


def density_kg_m3(celsius: Numbers) -> Numbers:
    """Return the density of fresh water, the largest at 3.9863 °C.

    Martin and McCutcheon (1999), as in Karpatne et al., arXiv:1710.11431, equation 3.4.
    """
    away = celsius - 3.9863
    share = (celsius + 288.9414) * away * away / (508929.2 * (celsius + 68.12963))
    return 1000.0 * (1.0 - share)


def density_excess_kg_m3(celsius: Any) -> Any:
    """Return by how much each depth is denser than the next one below: (..., D) to (..., D - 1)."""
    density = density_kg_m3(celsius)
    return density[..., :-1] - density[..., 1:]
