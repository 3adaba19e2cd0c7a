"""The units of a convolutional recurrent network by name, as an option of its cell."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from urnn_bench.cells.units.base import Unit
from urnn_bench.errors import near_miss
from urnn_bench.registry import Registry, included_files
from urnn_bench.spec.explain import InnerOptionsError
from urnn_bench.spec.notation import shown_name
from urnn_bench.spec.types import ComponentSpec, Config


def unit_registry() -> Registry:
    """Return the units of this package and of the files that are included."""
    return Registry("unit", "cells.units", included_files())


def unit_of(spec: ComponentSpec, channels: int, kernel_size: int) -> Unit[Any]:
    """Return a new unit."""
    kind = _kind(spec.name)
    return kind(channels, kernel_size, _options(kind, spec))


def _resolved(spec: ComponentSpec) -> ComponentSpec:
    """Return a unit with every option filled in; raise ValueError for one that does not exist."""
    known = unit_registry()
    if spec.name not in known.names():
        hint = near_miss(spec.name, known.names()) or f"; there are: {', '.join(known.names())}"
        raise ValueError(f"there is no unit '{shown_name(spec.name)}'{hint}")
    options = _options(_kind(spec.name), spec).model_dump(mode="json")
    return ComponentSpec(name=spec.name, options=options, source=known.source(spec.name))


def _kind(name: str) -> type[Unit[Any]]:
    return unit_registry().get(name, Unit)


def _options(kind: type[Unit[Any]], spec: ComponentSpec) -> Config:
    """Return the options of a unit; raise InnerOptionsError if they are wrong."""
    try:
        return kind.Options.model_validate_json(json.dumps(dict(spec.options)))
    except ValidationError as error:
        raise InnerOptionsError(error, kind.Options) from error


UnitSpec = Annotated[ComponentSpec, AfterValidator(_resolved)]
