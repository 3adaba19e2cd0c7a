"""Logarithmic axes with plain numbers, such as 20 and not 2 × 10¹."""

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

# an axis that spans less has evenly spaced numbers, and one that spans more only powers of ten
_NARROW, _WIDE = 5.0, 1e3
# from which on a number is written to the unit
_LONG = 100


def number_log_axis(axis: Axis, ratio: float) -> None:
    """Write plain numbers, as many as an axis has room for that spans so many times its low end."""
    subs = (1.0, 2.0, 5.0) if ratio < _WIDE else (1.0,)
    axis.set_major_locator(MaxNLocator(6) if ratio < _NARROW else LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axis.set_minor_locator(NullLocator())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= _LONG else f"{value:.3g}"
