"""A horizontal axis with a place for every value of a grid's key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log10
from typing import Literal

from matplotlib.axes import Axes

from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._grid_keys import GridValue, value_label

KeyScale = Literal["auto", "log", "linear", "even"]
# values that span more are on a logarithmic axis
_DECADE = 10.0
# of the room between two values, what is left at the ends
_MARGIN = 0.5
# more values than these have slanted names
_MAX_LEVEL_NAMES = 6


@dataclass(frozen=True)
class KeyAxis:
    """Where the values of a key are, on an axis without a scale of its own."""

    values: Sequence[GridValue]
    scale: Literal["log", "linear", "even"]

    @cached_property
    def places(self) -> Mapping[GridValue, float]:
        """The place of every value, in order."""
        return {value: self._place(number, value) for number, value in enumerate(self.values)}

    def _place(self, number: int, value: GridValue) -> float:
        if self.scale == "even" or isinstance(value, str):
            return float(number)
        return log10(value) if self.scale == "log" else value

    @property
    def gap(self) -> float:
        """The room between those two values that are next to each other."""
        return min((b - a for a, b in pairwise(self.places.values())), default=1.0)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the axis."""
        margin = _MARGIN * self.gap
        return min(self.places.values()) - margin, max(self.places.values()) + margin


def key_axis(values: Sequence[GridValue], scale: KeyScale, key: str) -> KeyAxis:
    """Return the axis; raise NothingToShowError for a scale that the values do not have."""
    numbers = [value for value in values if not isinstance(value, str)]
    if scale == "even" or (scale == "auto" and len(numbers) < len(values)):
        return KeyAxis(values, "even")
    if len(numbers) < len(values):
        raise NothingToShowError(f"{key} has text as a value; give the figure x_scale: even")
    if scale == "log" and min(numbers) <= 0:
        raise NothingToShowError(f"{key} is {min(numbers):g}; give the figure x_scale: linear")
    is_wide = min(numbers) > 0 and max(numbers) / min(numbers) > _DECADE
    is_log = scale == "log" or (scale == "auto" and is_wide)
    return KeyAxis(values, "log" if is_log else "linear")


def label_values(ax: Axes, axis: KeyAxis, label: str) -> None:
    """Name the axis and the place of every value."""
    names = [value_label(value) for value in axis.values]
    ax.set_xticks([*axis.places.values()], names, rotation=45 * (len(names) > _MAX_LEVEL_NAMES))
    ax.set_xlim(*axis.ends)
    ax.set_xlabel(label)
