"""The widest network within a budget of parameters, searched for from narrow to wide.

A cell may take much time and memory while it is built, so none is built much wider than the result.
It may also refuse widths, such as odd ones: next to a refused width others are tried.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from urnn_bench.errors import ComponentError, SpecError, attempt
from urnn_bench.global_state import kept
from urnn_bench.registry import Components
from urnn_bench.run.architecture import Architecture
from urnn_bench.run.build import architecture_of, count_parameters
from urnn_bench.spec.run import Run

_WIDEST = (1 << 16) - 1
# the multiples, squares and powers that cells ask for; few, as a cell may refuse them all
_COMMON = (
    *range(1, 65),
    *sorted({*range(96, 1025, 32), *range(80, 1001, 40), *range(100, 1001, 50)}),
)

# whether a width is within the budget; None if the cell refuses it
Fits = Callable[[int], bool | None]


def check_width(components: Components, run: Run, where: str) -> None:
    """Raise SpecError if a part refuses the width by a ComponentError of its own.

    What it raises by mistake has a cause, and fails its own runs alone when they are trained, as do
    data that are missing.
    """
    found = attempt(count_parameters, components, run)
    if isinstance(found, ComponentError) and found.__cause__ is None:
        raise SpecError(f"{where}{found}") from found


def widest(components: Components, run: Run, budget: int) -> int | None:
    """Return the widest hidden layer with at most ``budget`` parameters, None if there is none.

    Raises ComponentError with what the cell raises at its first width if it refuses every one.
    """
    return _widest(architecture_of(components, run), budget)


# one search for all seeds, and for all lengths that change nothing of the network
@cache
def _widest(architecture: Architecture, budget: int) -> int | None:
    errors: list[ComponentError] = []

    @cache
    def fits(hidden: int) -> bool | None:
        try:
            return architecture.count_parameters(hidden) <= budget
        except ComponentError as error:
            errors.append(error)
            return None

    # a cell may draw from the global generators
    with kept():
        narrowest = _first_accepted(_COMMON, fits)
        if narrowest is None:
            raise errors[0]
        return _widest_from(narrowest, fits) if fits(narrowest) else None


def _widest_from(fitting: int, fits: Fits) -> int:
    """Return the widest width that fits, given one that does: double it, then bisect."""
    too_wide: int | None = None
    while width := _first_accepted(_candidates(fitting, too_wide), fits):
        if fits(width):
            fitting = width
        else:
            too_wide = width
    return fitting


def _first_accepted(widths: Iterable[int], fits: Fits) -> int | None:
    return next((width for width in widths if fits(width) is not None), None)


def _candidates(fitting: int, too_wide: int | None) -> Iterator[int]:
    return _wider(fitting) if too_wide is None else _between(fitting, too_wide)


def _wider(width: int) -> Iterator[int]:
    """Yield wider widths: the double and below first, wider ones in case these are refused."""
    double = min(2 * width, _WIDEST)
    yield from range(double, width, -1)
    yield from range(double + 1, min(4 * width, _WIDEST) + 1)
    yield from (w for w in _COMMON if w > 4 * width)


def _between(low: int, high: int) -> Iterator[int]:
    """Yield the widths between two, those in the middle first."""
    middle = (low + high) // 2
    for distance in range(high - low):
        yield from (w for w in (middle - distance, middle + distance) if low < w < high)
