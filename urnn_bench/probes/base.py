"""What a probe is: numbers read off the trace of a recurrence. Found by the name of its file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from urnn_bench.probes._trace import Trace
from urnn_bench.spec.types import Config


class Probe(ABC):
    """Reads a trace; the network and the task are not seen, nor changed."""

    Options: ClassVar[type[Config]] = Config

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return, by the name of a state, a curve over time (T) or one number ().

        Numbers that are of no one state stand under the empty name.
        """
