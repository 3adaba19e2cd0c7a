"""The options that select runs, as a selection."""

from collections.abc import Iterable
from itertools import chain
from typing import TypeVar

from urnn_bench.errors import UsageError
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.notation import written
from urnn_bench.spec.overrides import Override, leaves, parse_override
from urnn_bench.spec.sweep import Selection

V = TypeVar("V")


def seeds_of(seed: list[int] | None, seeds: int | None) -> list[int]:
    """Return the seeds of --seed, or the first ones of --seeds; raise UsageError for both."""
    if seed and seeds is not None:
        listed, first = ",".join(map(str, seed)), "0" if seeds == 1 else f"0-{seeds - 1}"
        raise UsageError(
            f"--seed {listed} and --seeds {seeds} both choose the seeds; give one of them, as "
            f"--seeds {seeds} means --seed {first}"
        )
    return seed or [*range(seeds or 0)]


def selection_of(
    lengths: list[int] | None,
    models: list[str] | None,
    seeds: list[int],
    settings: list[str] | None,
    **fit: int | None,
) -> Selection:
    """Collect the options that select runs; ``fit`` holds keys of the fit that are options too.

    Raises UsageError if options and settings give one key two values.
    """
    overrides = [Override(("fit", key), value) for key, value in fit.items() if value is not None]
    parsed = [parse_override(setting) for setting in settings or []]
    _require_one_value(overrides, parsed)
    return Selection(
        _unique(lengths or []), _unique(models or []), _unique(seeds), (*parsed, *overrides)
    )


def _require_one_value(options: Iterable[Override], settings: Iterable[Override]) -> None:
    set_values: dict[KeyPath, object] = {}
    for leaf in chain.from_iterable(map(leaves, settings)):
        first = set_values.setdefault(leaf.path, leaf.value)
        if first != leaf.value:
            text = f"{Override(leaf.path, first).source} and {leaf.source}"
            raise UsageError(f"{text} contradict each other; give one of them")
    for option in options:
        value = set_values.get(option.path, option.value)
        if value != option.value:
            name = _OPTIONS.get(option.path[-1], option.path[-1])
            text = f"--{name} {option.value} and --set {'.'.join(option.path)}={written(value)}"
            raise UsageError(f"{text} contradict each other; give one of them")


# keys of fit whose options are called otherwise
_OPTIONS = {"steps": "updates"}


def _unique(values: Iterable[V]) -> tuple[V, ...]:
    return tuple(dict.fromkeys(values))
