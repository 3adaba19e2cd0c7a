"""All options of a component, those that nobody gives among them."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from urnn_bench.cells.base import Cell
from urnn_bench.errors import UsageError
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components
from urnn_bench.spec.fit import Fit
from urnn_bench.tasks.base import Task

_BASES: Mapping[str, type[Any]] = {"cells": Cell, "tasks": Task, "readouts": Readout}


def all_options(
    components: Components, kind: str, name: str, given: Mapping[str, object]
) -> Mapping[str, object]:
    """Return the options of a component with some given; none of one that is not known.

    If one that has no default is missing, or the given ones are refused, they are the defaults
    alone. ``kind`` is that of the registry, or ``fit`` for an optimizer.
    """
    if kind == "fit":
        return _of_optimizer(name)
    if kind not in _BASES or name not in getattr(components, kind).names():
        return {}
    options: type[BaseModel] = getattr(components, kind).get(name, _BASES[kind]).Options
    try:
        return options.model_validate(given).model_dump(mode="json")
    except (ValidationError, UsageError):
        return _defaults(options)


def _of_optimizer(name: str) -> Mapping[str, object]:
    try:
        fit = Fit.model_validate({"optimizer": {"name": name}})
    except ValidationError:
        return {}
    return fit.optimizer.model_dump(mode="json")


def _defaults(options: type[BaseModel]) -> Mapping[str, object]:
    given = {
        key: f.get_default(call_default_factory=True)
        for key, f in options.model_fields.items()
        if not f.is_required()
    }
    return options.model_construct(**given).model_dump(mode="json", include=set(given))
