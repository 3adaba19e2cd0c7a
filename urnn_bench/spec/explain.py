"""A pydantic ValidationError as one sentence: where, what, and the near miss."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from urnn_bench.errors import SpecError, near_miss
from urnn_bench.spec.fit import Optimizer
from urnn_bench.spec.load import KeyPath

_UNKNOWN_KEY = "extra_forbidden"

Where = Callable[[KeyPath], str]


def spec_error(
    error: ValidationError, model: type[BaseModel], where: Where, prefix: KeyPath = ()
) -> SpecError:
    """Turn the first fault of pydantic into a SpecError that says where it is."""
    faults = error.errors(include_url=False, include_context=True)
    fault = _most_telling(faults)
    path = tuple(str(p) for p in fault["loc"] if p not in _MEMBERS)
    member = next((_MEMBERS[str(p)] for p in fault["loc"] if p in _MEMBERS), None)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return SpecError(
        where((*prefix, *path))
        + _sentence(fault, member or model, path[-1:] if member else path)
        + more
    )


def _most_telling(faults: Sequence[ErrorDetails]) -> ErrorDetails:
    unknown = [f for f in faults if f["type"] == _UNKNOWN_KEY]
    return (unknown or faults)[0]


def _sentence(fault: ErrorDetails, model: type[BaseModel], path: KeyPath) -> str:
    kind, value, context = fault["type"], fault.get("input"), fault.get("ctx", {})
    if kind == _UNKNOWN_KEY:
        known = _fields(model, path[:-1])
        hint = near_miss(path[-1], known) or f"; the keys here are {', '.join(sorted(known))}"
        hint += "; options of a cell go below its 'cell'" if "cell" in known else ""
        return f"unknown key '{path[-1]}'" + hint
    sentences = {
        "missing": "this key is missing",
        "union_tag_not_found": "give the 'name' of the optimizer",
        "union_tag_invalid": f"{_shown(value, 'name')} is none of {context.get('expected_tags')}",
        "int_type": f"must be a whole number, not {_shown(value)}",
        "float_type": f"must be a number, not {_shown(value)}",
        "string_type": f"must be text, not {_shown(value)}",
        "bool_type": f"must be true or false, not {_shown(value)}",
        "tuple_type": f"must be a list, not {_shown(value)}",
        "dict_type": f"must be a mapping, not {_shown(value)}",
        "model_type": f"must be a mapping, not {_shown(value)}",
        "model_attributes_type": f"must be a mapping, not {_shown(value)}",
        "literal_error": f"must be {context.get('expected')}, not {_shown(value)}",
        "greater_than_equal": f"must be at least {_number(context.get('ge'))}, not {_shown(value)}",
        "greater_than": f"must be greater than {_number(context.get('gt'))}, not {_shown(value)}",
        "less_than": f"must be less than {_number(context.get('lt'))}, not {_shown(value)}",
        "less_than_equal": f"must be at most {_number(context.get('le'))}, not {_shown(value)}",
        "value_error": str(context.get("error")),
        "too_short": "must not be empty",
        "finite_number": f"must be a finite number, not {_shown(value)}",
    }
    return sentences.get(kind) or f"{fault['msg']}, not {_shown(value)}"


def _shown(value: object, key: str | None = None) -> str:
    if key is not None and isinstance(value, Mapping):
        value = value.get(key)
    if isinstance(value, list | dict):
        return ("a list " if isinstance(value, list) else "a mapping ") + repr(value)
    # null, true and false as in YAML
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


def _number(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _fields(model: type[BaseModel], path: KeyPath) -> set[str]:
    """Return the keys allowed at ``path`` below ``model``, over all members of a union."""
    models = {model}
    for key in path:
        models = {m for owner in models for m in _models_at(owner, key)}
    return {name for m in models for name in m.model_fields}


def _models_at(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    if key in model.model_fields:
        return _models_in(model.model_fields[key].annotation)
    return [model]


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models_in(part)]


# pydantic puts the name of a union's member into the path of a fault
_MEMBERS = {
    tag: m for m in _models_in(Optimizer) for tag in get_args(m.model_fields["name"].annotation)
}
