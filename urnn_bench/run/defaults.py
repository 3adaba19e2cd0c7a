"""The options that a component has if nothing is said."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from urnn_bench.cells.base import Cell
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components
from urnn_bench.spec.fit import Fit
from urnn_bench.tasks.base import Task

_BASES: Mapping[str, type[Any]] = {"cells": Cell, "tasks": Task, "readouts": Readout}


def default_options(components: Components, kind: str, name: str) -> Mapping[str, object]:
    """Return the options that have a default; none of a component that is not known.

    ``kind`` is that of the registry, or ``fit`` for an optimizer.
    """
    if kind == "fit":
        return _of_optimizer(name)
    if kind not in _BASES or name not in getattr(components, kind).names():
        return {}
    options = getattr(components, kind).get(name, _BASES[kind]).Options
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
