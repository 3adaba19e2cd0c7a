"""All faults of a benchmark's file in one error: a check that fails does not end the others."""

import re
from collections.abc import Callable, Iterable

from urnn_bench.errors import Arguments, Returned, SpecError, UnknownNameError

# as ``Document.where`` writes it; what the command line sets has no line
_LINE = re.compile(r", line ([0-9]+): ")
Fault = SpecError | UnknownNameError


class Faults:
    """What checks of one file have found wrong."""

    def __init__(self) -> None:
        # by what it says, as the runs of a model have the same fault
        self._errors: dict[str, Fault] = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    def run(
        self,
        check: Callable[Arguments, Returned],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> tuple[Returned, ...]:
        """Return what a check returns, alone in a tuple, which is empty if it finds a fault."""
        try:
            return (check(*args, **kwargs),)
        except (SpecError, UnknownNameError) as error:
            self.add(error)
            return ()

    def add(self, error: Fault) -> None:
        """Add the error of a check; what has been said already is not said again."""
        self._errors.setdefault(str(error), error)

    def or_else(
        self,
        default: Returned,
        check: Callable[Arguments, Returned],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Returned:
        """Return what a check returns, or a value with which the others can go on."""
        return next(iter(self.run(check, *args, **kwargs)), default)

    def check(self) -> None:
        """Raise the error that was found, or a SpecError of several, in the order of the file."""
        errors = sorted(self._errors.values(), key=lambda error: _line(error.sentences[0]))
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise SpecError(*in_file_order(s for e in errors for s in _sentences(e))) from errors[0]


def in_file_order(sentences: Iterable[str]) -> list[str]:
    """Return each sentence once, by the line that it names; those of the command line first."""
    return sorted(dict.fromkeys(sentences), key=_line)


def _line(sentence: str) -> int:
    found = _LINE.search(sentence)
    return int(found.group(1)) if found else 0


def _sentences(error: Fault) -> tuple[str, ...]:
    return error.faults if isinstance(error, SpecError) else error.sentences
