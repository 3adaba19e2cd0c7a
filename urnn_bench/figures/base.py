"""The base of all figures, which draw one benchmark's records; found by their file name."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from urnn_bench.spec.types import Config

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from urnn_bench.analysis.results import Results


class Figure(ABC):
    """A drawing of a benchmark's records.

    ``results.runs`` has one row for each run (model, T, seed, status, test scores, ...),
    ``results.metrics`` one for each measured value (run, model, T, seed, step, split, metric,
    value, and the length of the probed sequences), ``results.scores`` one for each test score, with
    the length of the test. ``results.baselines(metric, T, length)`` returns the scores of the
    reference predictors, and ``results.models`` are the models of all lengths, for their colours. A
    figure with options declares their class as ``Options``, and annotates ``options`` with it.
    """

    Options: ClassVar[type[Config]] = Config
    options: Config

    @classmethod
    def with_axes(
        cls, options: Mapping[str, object], axes: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return a file's options with other axes, which ``plot --metric`` and ``--x`` give."""
        return {**options, **axes}

    def __init__(self, options: Config) -> None:
        self.options = options

    @abstractmethod
    def draw(self, results: "Results") -> "Drawing":
        """Return the drawing; raise NothingToShowError if the records do not allow it."""
