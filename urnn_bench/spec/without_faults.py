"""What a benchmark's file says apart from its faults, so that the rest can be checked too."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

from pydantic import ValidationError

from urnn_bench.spec.benchmark import Benchmark
from urnn_bench.spec.load import YamlMapping

_MODELS = "models"


def without_faults(mapping: YamlMapping, error: ValidationError) -> tuple[Benchmark, ...]:
    """Return the benchmark without the keys that are wrong; none if it needs one of them."""
    rest = deepcopy(mapping)
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        _remove(rest, fault["loc"])
    # nothing else depends on it
    rest.setdefault("title", "")
    try:
        benchmark = Benchmark.model_validate(rest)
    except ValidationError:
        return ()
    # a selection may name a model that is left out
    models = mapping.get(_MODELS)
    is_whole = isinstance(models, Mapping) and {*map(str, models)} == {*benchmark.models}
    return (benchmark,) if is_whole else ()


def _remove(mapping: YamlMapping, place: Sequence[object]) -> None:
    """Remove the deepest key of a place; what pydantic adds to it is no key of the file."""
    node: object = mapping
    owners: list[tuple[dict[object, object], object]] = []
    for key in place:
        if isinstance(node, dict) and key in node:
            owners.append((node, key))
            node = node[key]
    if owners:
        owner, key = owners[-1]
        del owner[key]
