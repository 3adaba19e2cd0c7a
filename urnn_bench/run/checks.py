"""The checks of one component, each tried, and what all of them have found."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from urnn_bench.errors import Arguments, ComponentError, Returned, attempt, first_line
from urnn_bench.spec.types import Config
from urnn_bench.user_frames import UserFrame, user_frames


@dataclass(frozen=True)
class Fault:
    """A sentence, and the lines of the user's file where an exception arose, if one did."""

    text: str
    frames: tuple[UserFrame, ...] = ()


@dataclass
class Checks:
    """How many checks a component has passed, and the faults that the others have found."""

    kind: str
    name: str
    passed: int = 0
    faults: list[Fault] = field(default_factory=list)

    def run(
        self,
        check: Callable[Arguments, Returned],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> tuple[Returned, ...]:
        """Return what a check returns, alone in a tuple, which is empty if it raises.

        An error or a warning is a fault.
        """
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            outcome = attempt(check, *args, **kwargs)
        before = len(self.faults)
        for warning in found:
            self._add(Fault(str(warning.message)))
        if isinstance(outcome, Exception):
            text = first_line(outcome) or type(outcome).__name__
            self._add(Fault(text, tuple(user_frames(outcome))))
            return ()
        self.passed += len(self.faults) == before
        return (outcome,)

    def _add(self, fault: Fault) -> None:
        # what is wrong in two precisions is said once
        if fault.text not in [known.text for known in self.faults]:
            self.faults.append(fault)


def default_options(options: type[Config]) -> Config:
    """Return options of which none is given; raise ComponentError for one without a default."""
    required = [name for name, one in options.model_fields.items() if one.is_required()]
    if required:
        raise ComponentError(
            f"the option '{required[0]}' has no default, so the file cannot be checked; give it one"
        )
    return options()
