"""The units of a convolutional recurrent network by name, as an option of its cell."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from urnn_bench.cells.units.base import Unit
from urnn_bench.errors import UnknownComponentError
from urnn_bench.registry import Registry, included_files, load_file
from urnn_bench.registry.classes import subclasses
from urnn_bench.spec.explain import InnerOptionsError
from urnn_bench.spec.types import ComponentSpec, Config


def unit_registry() -> Registry:
    """Return the units of this package and of the files that are included."""
    files = included_files().items()
    # a file of another kind may have the name of a unit
    own = {name: path for name, path in files if subclasses(load_file(path), Unit)}
    return Registry("unit", "cells.units", own)


def unit_of(spec: ComponentSpec, channels: int, kernel_size: int) -> Unit[Any]:
    """Return a new unit."""
    kind = _kind(spec.name)
    return kind(channels, kernel_size, _options(kind, spec))


def _resolved(spec: ComponentSpec) -> ComponentSpec:
    """Return a unit with every option filled in; raise ValueError for one that does not exist."""
    known = unit_registry()
    if spec.name not in known.names():
        raise ValueError(str(UnknownComponentError("unit", spec.name, known.names())))
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
