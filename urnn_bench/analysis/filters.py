"""Which of the recorded runs a command shows, by what the user asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urnn_bench.errors import SpecError, UnknownNameError, UsageError
from urnn_bench.spec.labels import names_of
from urnn_bench.spec.load import KeyPath, parse_value, value_text
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.settings_of import Settings


@dataclass(frozen=True)
class Where:
    """A setting that runs must have, by the last keys of its path."""

    keys: KeyPath
    value: object

    def holds(self, settings: Settings) -> bool:
        """Return whether a run has the value at some path that ends in these keys."""
        return any(value == self.value for value in self.found(settings))

    def is_known(self, settings: Settings) -> bool:
        """Return whether a run has such a setting, of whatever value."""
        return bool(self.found(settings))

    def found(self, settings: Settings) -> list[object]:
        """Return the values of a run at paths that end in these keys."""
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


def check(filters: Filters, settings: Mapping[str, Sequence[Settings]]) -> None:
    """Raise UnknownNameError with a near miss for a model, or a setting's key, that no run has.

    ``settings`` are those of the runs of every label.
    """
    names = {name for label in settings for name in (label, *names_of(label))}
    if unknown := [model for model in filters.models if model not in names]:
        raise UnknownNameError("recorded model", unknown[0], names)
    every = [each for of_label in settings.values() for each in of_label]
    for one in filters.where:
        if not any(one.is_known(each) for each in every):
            known = {path[-1] for each in every for path in each}
            raise UnknownNameError("setting of the runs", ".".join(one.keys), known)


def values_of(filters: Filters, settings: Sequence[Settings]) -> str:
    """Return which values the settings have that runs are filtered by: "; lr is 0.01 or 0.1"."""
    texts = []
    for one in filters.where:
        found = dict.fromkeys(value_text(v) for each in settings for v in one.found(each))
        texts.append(f"; {'.'.join(one.keys)} is {' or '.join([*found][:_MOST_VALUES])}")
    return "".join(texts)


_MOST_VALUES = 8
