"""A pydantic ValidationError as sentences: where, what, and the near miss."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from urnn_bench.errors import SpecError, near_miss
from urnn_bench.spec.faults import in_file_order
from urnn_bench.spec.fit import Optimizer
from urnn_bench.spec.keys import nearest_place, place_of
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.load import Where as Where
from urnn_bench.spec.notation import shown, shown_name

_UNKNOWN_KEY = "extra_forbidden"
_Fault = tuple[KeyPath, str]


class InnerOptionsError(ValueError):
    """Options of a component that is an option of another one are wrong.

    A validator raises it, and ``spec_error`` says what and where, as of options further out.
    """

    def __init__(self, error: ValidationError, model: type[BaseModel]) -> None:
        super().__init__(str(error))
        self.error, self.model = error, model


def spec_error(
    error: ValidationError,
    model: type[BaseModel],
    where: Where,
    prefix: KeyPath = (),
    is_benchmark: bool = True,
) -> SpecError:
    """Turn the faults of pydantic into a SpecError that says of each where it is.

    A key that lives elsewhere in a benchmark is not looked for unless ``is_benchmark``.
    """
    found: dict[KeyPath, str] = {}
    # a wrong value may be wrong in several ways, for each kind that it can have
    for path, sentence in _faults(error, model, prefix, is_benchmark):
        found.setdefault(path, f"{where(path)}{sentence}")
    # a list whose values are wrong has none left, which is no fault of its own
    whole = [path for path in found if not any(p[: len(path)] == path != p for p in found)]
    meant = (found[path] for path in whole if not _is_misspelt(path, found[path], found))
    return SpecError(*in_file_order(meant))


def _is_misspelt(path: KeyPath, text: str, found: Mapping[KeyPath, str]) -> bool:
    """Return whether a missing key is one that another fault already takes for misspelt."""
    meant = f"did you mean '{path[-1]}'?" if path else ""
    beside = (other for p, other in found.items() if p[:-1] == path[:-1] and p != path)
    return bool(meant) and text.endswith(" is missing") and any(meant in o for o in beside)


def _faults(
    error: ValidationError, model: type[BaseModel], prefix: KeyPath, is_benchmark: bool
) -> Iterator[_Fault]:
    """Yield the keys and the sentence of each fault, unknown keys first."""
    faults = error.errors(include_url=False, include_context=True)
    for fault in sorted(faults, key=lambda fault: fault["type"] != _UNKNOWN_KEY):
        path, member = _place(fault)
        inner = fault.get("ctx", {}).get("error")
        if isinstance(inner, InnerOptionsError):
            yield from _faults(inner.error, inner.model, (*prefix, *path), is_benchmark)
            continue
        of = member or model, path[-1:] if member else path
        yield (*prefix, *path), _sentence(fault, *of, is_benchmark)


def _place(fault: ErrorDetails) -> tuple[KeyPath, type[BaseModel] | None]:
    """Return the keys that lead to a fault, and the optimizer whose options they are, if any.

    pydantic also names the member of a union, that a key itself is wrong, and our ``options``.
    """
    path: list[str] = []
    member = None
    for previous, part in pairwise(("", *map(str, fault["loc"]))):
        if previous == _OPTIMIZER and part in _MEMBERS:
            member = _MEMBERS[part]
        elif not _IN_BRACKETS.fullmatch(part) and (part != _OPTIONS or previous == _MODELS):
            path.append(part)
    if len(path) > 1 and path[-1] in _PLAIN_TYPES:
        path.pop()
    return tuple(path), member


_OPTIMIZER = "optimizer"
_WRONG_KEY = "[key]"
# that a key is wrong, or which of several kinds a claim is
_IN_BRACKETS = re.compile(r"\[(key|runs|searches)\]")
# the options of a component stand beside its name; a model may be called so
_OPTIONS, _MODELS = "options", "models"
_PLAIN_TYPES = {"float", "int", "str", "bool"}


def _sentence(
    fault: ErrorDetails, model: type[BaseModel], path: KeyPath, is_benchmark: bool
) -> str:
    kind, value, context = fault["type"], fault.get("input"), fault.get("ctx", {})
    if kind == _UNKNOWN_KEY:
        # of a component's own options, a path may have lost the key "options"
        key = str(fault["loc"][-1])
        return _unknown_key(key, _fields(model, path[:-1]), is_benchmark)
    if _WRONG_KEY in fault["loc"]:
        return f"the key {shown(value)} {_REQUIRED.get(kind, 'is of the wrong kind')}"
    if kind in _REQUIRED:
        return f"{_REQUIRED[kind]}, not {shown(value)}"
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"must be {words} {_number(context.get(key))}, not {shown(value)}"
    sentences = {
        "missing": f"the key '{path[-1]}' is missing" if path else "this key is missing",
        "union_tag_not_found": "give the 'name' of the optimizer",
        "union_tag_invalid": f"{_tag(value)} is none of {context.get('expected_tags')}",
        "literal_error": f"must be {context.get('expected')}, not {shown(value)}",
        "value_error": str(context.get("error")),
        "too_short": _length("at least", context.get("min_length")),
        "string_too_short": "must not be empty",
        "string_too_long": f"must have at most {context.get('max_length')} characters",
        "too_long": _length("at most", context.get("max_length")),
    }
    return sentences.get(kind) or f"cannot be {shown(value)}"


def _unknown_key(key: str, known: set[str], is_benchmark: bool) -> str:
    elsewhere = (_of(find(key)) if is_benchmark else "" for find in (place_of, nearest_place))
    exact, nearest = elsewhere
    all_keys = f"; the keys here are {', '.join(sorted(known)) or 'none'}"
    hint = exact or near_miss(key, known) or nearest or all_keys
    if not exact:
        hint += " (options of a cell go below its 'cell')" if "cell" in known else ""
        hint += " (options of the task go below 'task')" if "seeds" in known else ""
    return f"unknown key '{shown_name(key)}'{hint}"


def _of(place: str | None) -> str:
    return f"; did you mean '{place}'?" if place else ""


_REQUIRED = {
    "int_type": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": "must be a number",
    "string_type": "must be text",
    "string_unicode": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "invalid_key": "must be text",
    "finite_number": "must be a finite number",
}

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("greater than", "gt"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _tag(value: object) -> str:
    return shown(value.get("name") if isinstance(value, Mapping) else value)


def _length(words: str, count: object) -> str:
    return "must not be empty" if count == 1 else f"must have {words} {count} entries"


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
