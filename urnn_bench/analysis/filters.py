"""Which of the recorded runs a command shows, by what the user asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

from urnn_bench.errors import SpecError, UnknownNameError, UsageError
from urnn_bench.spec.labels import names_of
from urnn_bench.spec.load import KeyPath, parse_value
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.settings_of import Settings


@dataclass(frozen=True)
class Where:
    """A setting that runs must have, by the last keys of its path."""

    keys: KeyPath
    value: object

    def holds(self, settings: Settings) -> bool:
        """Return whether a run has the value at some path that ends in these keys."""
        return any(value == self.value for value in self._found(settings))

    def is_known(self, settings: Settings) -> bool:
        """Return whether a run has such a setting, of whatever value."""
        return bool(self._found(settings))

    def _found(self, settings: Settings) -> list[object]:
        length = len(self.keys)
        return [value for path, value in settings.items() if path[-length:] == self.keys]


# what tables and labels call a setting otherwise
_FORMER = {"updates": "steps", "h": "hidden"}


def parse_where(text: str) -> Where:
    """Read ``KEY=VALUE``; raise UsageError if it is none."""
    key, equals, value = text.partition("=")
    keys = tuple(part.strip() for part in key.split("."))
    if not equals or not all(keys):
        raise UsageError(
            f"--where takes KEY=VALUE, such as optimizer=adam, not '{shown_name(text)}'"
        )
    try:
        return Where((*keys[:-1], _FORMER.get(keys[-1], keys[-1])), parse_value(value))
    except SpecError as error:
        raise UsageError(f"--where {shown_name(text)}: {error}") from error


@dataclass(frozen=True)
class Filters:
    """What runs must be to be shown; an empty tuple lets all pass.

    ``models`` are labels, or names of models whose configurations are all meant.
    ``superseded`` shows runs of an older file too.
    """

    models: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    where: tuple[Where, ...] = ()
    superseded: bool = False

    def admit(self, label: str, T: int, settings: Settings) -> bool:
        """Return whether a configuration is shown."""
        return (
            (not self.models or bool({label, *names_of(label)} & {*self.models}))
            and (not self.lengths or T in self.lengths)
            and all(where.holds(settings) for where in self.where)
        )


def check_where(where: Sequence[Where], settings: Sequence[Settings]) -> None:
    """Raise UnknownNameError with a near miss for a key that no run has."""
    for one in where:
        if not any(one.is_known(each) for each in settings):
            known = {path[-1] for each in settings for path in each}
            raise UnknownNameError("setting of the runs", ".".join(one.keys), known)
