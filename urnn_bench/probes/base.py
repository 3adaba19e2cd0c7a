"""What a probe is: numbers from the trace of a recurrence. It is found by the name of its file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from urnn_bench.probes._trace import Trace
from urnn_bench.spec.types import Config


class Probe(ABC):
    """Reads a trace; it changes neither the network nor the task."""

    Options: ClassVar[type[Config]] = Config
    # of readings that belong to no state, if it has any; * stands for any text
    names: ClassVar[tuple[str, ...]] = ()
    # of the tasks that it can read; `read` refuses others by a ComponentError
    task_type: ClassVar[type] = object

    options: Config

    def __init__(self, options: Config) -> None:
        self.options = options

    @abstractmethod
    def read(self, trace: Trace) -> Mapping[str, Tensor]:
        """Return, by the name of a state, a curve over time (T) or one number ().

        What belongs to no single state has the empty name, or one of ``names``. A curve is nan at
        a step at which it has no value.
        """
