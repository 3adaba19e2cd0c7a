"""What a figure is: a drawing of one benchmark's records. Found by the name of its file."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from urnn_bench.spec.types import Config

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from urnn_bench.analysis.results import Results


class Figure(ABC):
    """A drawing of a benchmark's records.

    ``results.runs`` has one row for each run (model, T, seed, status, test scores, ...),
    ``results.metrics`` one for each measured value (run, model, T, seed, step, split, metric,
    value; length is that of the sequences probes look at), ``results.baselines(metric, T)`` the
    reference predictors.
    """

    Options: ClassVar[type[Config]] = Config

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def draw(self, results: "Results") -> "Drawing":
        """Return the drawing; raise NothingToShowError if the records do not allow it."""
