"""What ``urnn-bench describe`` knows of a name, as plain values and as text."""

import inspect
import sys
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from urnn_bench import build
from urnn_bench.cells.base import Cell
from urnn_bench.errors import UnknownNameError
from urnn_bench.figures.base import Figure
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.schema import Fit, Run
from urnn_bench.spec.sweep import Plan, Selection, drafts, plan
from urnn_bench.tasks.base import Task

_KNOWN = Components()


def describe(name: str) -> list[dict[str, Any]]:
    """Return a description for everything called ``name``; raise UnknownNameError if nothing is."""
    kinds = {
        "benchmark": (tuple(catalogue.names()), _benchmark),
        "model": (_KNOWN.cells.names(), _model),
        "task": (_KNOWN.tasks.names(), _task),
        "figure": (_KNOWN.figures.names(), _figure),
    }
    found = [{"kind": k, "name": name, **make(name)} for k, (names, make) in kinds.items()
             if name in names]  # fmt: skip
    if not found:
        known = {each for names, _ in kinds.values() for each in names}
        raise UnknownNameError("benchmark, model, task or figure", name, known)
    return found


def text(found: dict[str, Any]) -> str:
    """Return a description as indented text."""
    lines = [f"{found['name']} ({found['kind']})", "", found["about"]]
    for key, value in found.items():
        if key not in ("kind", "name", "about") and value:
            lines += ["", f"{key}:", *_indented(value)]
    return "\n".join(lines)


def _indented(value: Any) -> list[str]:
    if isinstance(value, dict):
        width = max(len(str(k)) for k in value)
        return [f"  {k!s:<{width}}  {v}" for k, v in value.items()]
    return [f"  {line}" for line in (value if isinstance(value, list) else [value])]


def _model(name: str) -> dict[str, Any]:
    kind = _KNOWN.cells.get(name, Cell)
    return {
        "about": _about(kind),
        "options": _options(kind.Options),
        "states": ", ".join(kind.state_names),
        "kernels": ", ".join(["auto", "eager", *kind.fused]),
        "sizes in the benchmarks": _sizes(name),
    }


def _task(name: str) -> dict[str, Any]:
    kind = _KNOWN.tasks.get(name, Task)
    metrics = [f"{kind.metrics[0]} (the loss; best weights have the lowest)", *kind.metrics[1:]]
    return {"about": _about(kind), "options": _options(kind.Options), "metrics": metrics}


def _figure(name: str) -> dict[str, Any]:
    kind = _KNOWN.figures.get(name, Figure)
    return {"about": _about(kind), "options": _options(kind.Options)}


def _benchmark(name: str) -> dict[str, Any]:
    checked = _plan(name)
    benchmark = checked.benchmark
    runs = _runs(checked)
    return {
        "about": benchmark.title + (f"\n{benchmark.paper}" if benchmark.paper else ""),
        "file": str(catalogue.names()[name]),
        "task": {"name": benchmark.task.name, **benchmark.task.options},
        "T": ", ".join(map(str, benchmark.T)),
        "seeds": ", ".join(map(str, benchmark.seeds)),
        "models": {run.label: _size(run) for run in runs},
        "fit of the first model": _flat(runs[0].fit),
        "all options of fit": _options(Fit),
        "figures": [figure.name for figure in benchmark.figures],
    }


def _plan(name: str) -> Plan:
    return plan(*catalogue.find(name), Selection(), _KNOWN.cells.names())


def _runs(checked: Plan) -> list[Run]:
    """Return one run for each model of a benchmark, at its first length and seed."""
    benchmark = checked.benchmark
    selection = Selection(lengths=(next(iter(benchmark.T)),), seeds=benchmark.seeds[:1])
    return [build.resolve(_KNOWN, checked.name, d) for d in drafts(checked, selection)]


def _sizes(cell: str) -> dict[str, str]:
    found = {}
    for name in catalogue.names():
        for run in _runs(_plan(name)):
            if run.cell.name == cell:
                found[f"{name}: {run.label}"] = _size(run)
    return found


def _size(run: Run) -> str:
    return f"hidden {run.hidden}, {build.parameters(_KNOWN, run):,} parameters"


def _about(kind: type[Any]) -> str:
    return inspect.getdoc(sys.modules[kind.__module__]) or ""


def _options(options: type[BaseModel]) -> dict[str, str]:
    """Return default, unit and meaning of every option."""
    return {name: _option(field) for name, field in options.model_fields.items()}


def _option(field: Any) -> str:
    unit = f" {(field.json_schema_extra or {}).get('unit', '')}".rstrip()
    default = "required" if field.default is PydanticUndefined else _value(field.default)
    return f"[{default}{unit}] {field.description or ''}".rstrip()


def _value(value: Any) -> str:
    if isinstance(value, BaseModel):
        return ", ".join(f"{k}: {_value(v)}" for k, v in value.model_dump().items())
    return "none" if value is None else str(value)


def _flat(fit: Fit) -> dict[str, str]:
    return {name: _value(getattr(fit, name)) for name in Fit.model_fields}
