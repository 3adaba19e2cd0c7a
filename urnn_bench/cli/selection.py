"""The options that select runs, as a selection."""

from collections.abc import Iterable
from typing import TypeVar

from urnn_bench.spec.overrides import Override, parse_override
from urnn_bench.spec.sweep import Selection

V = TypeVar("V")


def selection_of(
    lengths: list[int] | None,
    models: list[str] | None,
    seeds: list[int],
    settings: list[str] | None,
    **fit: int | None,
) -> Selection:
    """Collect the options that select runs; ``fit`` holds keys of the fit that are options too."""
    overrides = [Override(("fit", key), value) for key, value in fit.items() if value is not None]
    return Selection(
        _unique(lengths or []),
        _unique(models or []),
        _unique(seeds),
        (*map(parse_override, settings or []), *overrides),
    )


def _unique(values: Iterable[V]) -> tuple[V, ...]:
    return tuple(dict.fromkeys(values))
