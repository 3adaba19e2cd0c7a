"""Where a key of a benchmark lives, if it is written elsewhere or called otherwise."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import get_args

from pydantic import BaseModel

from urnn_bench.errors import closest
from urnn_bench.spec.benchmark import Benchmark
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.types import ComponentSpec

# what other programs call a key
_OTHER_NAMES: Mapping[str, str] = {
    "batch_size": "fit.batch",
    "clip_norm": "fit.clip.norm",
    "epochs": "fit.steps",
    "grad_clip": "fit.clip",
    "gradient_clip": "fit.clip",
    "hidden_size": "hidden",
    "iterations": "fit.steps",
    "learning_rate": "fit.optimizer.lr",
    "max_steps": "fit.steps",
    "n_hidden": "hidden",
    "num_layers": "layers",
    "seed": "seeds",
    "seq_len": "T",
    "sequence_length": "T",
    "updates": "fit.steps",
}
# a benchmark has these in several places
_COMMON = frozenset({"name", "read", "at", "first", "factor", "options", "source"})


def place_of(key: str) -> str | None:
    """Return the dotted path of a key that lives elsewhere, None if no path ends in it."""
    return _OTHER_NAMES.get(key) or _paths().get(key)


def nearest_place(key: str) -> str | None:
    """Return the dotted path whose last key is closest to ``key``, None if none is close."""
    places = {**_paths(), **_OTHER_NAMES}
    found = closest(key, places)
    return None if found is None else places[found]


@cache
def _paths() -> Mapping[str, str]:
    """Return the shortest path that ends in each key, the first one of several."""
    paths = sorted(_walk(Benchmark, ()), key=len)
    by_key: dict[str, str] = {}
    for path in paths:
        if path[-1] not in _COMMON:
            by_key.setdefault(path[-1], ".".join(path))
    return by_key


def _walk(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*above, name)
        is_fit = model is Benchmark and name == "fit"
        for inner in (Fit,) if is_fit else _models_in(field.annotation):
            yield from _walk(inner, (*above, name))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the parts of a key; those of a component, and of keys that the user names, are none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation is not ComponentSpec:
            yield annotation
    elif getattr(annotation, "__origin__", None) not in (dict, tuple):
        for part in get_args(annotation):
            yield from _models_in(part)
