"""What ``urnn-bench describe`` knows of a name, as plain values and as text."""

import inspect
import sys
from contextlib import suppress
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from urnn_bench.cells.base import Cell
from urnn_bench.claims.schema import load_paper
from urnn_bench.errors import UnknownNameError, UsageError
from urnn_bench.figures.base import Figure
from urnn_bench.probes.base import Probe
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.resolve import resolve
from urnn_bench.spec import catalogue
from urnn_bench.spec.fit import Fit, Optimizer
from urnn_bench.spec.run import Probes, Run
from urnn_bench.spec.sweep import CheckedBenchmark, Selection, check_benchmark, drafts
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.tasks.base import Task


def describe(known: Components, name: str) -> list[dict[str, Any]]:
    """Return a description for everything called ``name``; raise UnknownNameError if nothing is."""
    kinds = {
        "benchmark": (tuple(catalogue.names()), _benchmark),
        "model": (known.cells.names(), _model),
        "task": (known.tasks.names(), _task),
        "figure": (known.figures.names(), _figure),
        "probe": (known.probes.names(), _probe),
        "paper": (tuple(catalogue.claims()), _paper),
    }
    found = [
        {"kind": k, "name": name, **make(known, name)}
        for k, (names, make) in kinds.items()
        if name in names
    ]
    if not found:
        names = {each for names, _ in kinds.values() for each in names}
        raise UnknownNameError("benchmark, model, task, figure, probe or paper", name, names)
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


def _model(known: Components, name: str) -> dict[str, Any]:
    kind = known.cells.get(name, Cell)
    return {
        "about": _about(kind),
        "options": _options(kind.Options),
        "states": ", ".join(kind.state_names),
        "kernels": ", ".join(["auto", "eager", *kind.kernels]),
        "sizes in the benchmarks": _sizes(known, name),
    }


def _task(known: Components, name: str) -> dict[str, Any]:
    kind = known.tasks.get(name, Task)
    metrics = [f"{kind.metrics[0]} (the loss; best weights have the lowest)", *kind.metrics[1:]]
    return {"about": _about(kind), "options": _options(kind.Options), "metrics": metrics}


def _figure(known: Components, name: str) -> dict[str, Any]:
    kind = known.figures.get(name, Figure)
    return {"about": _about(kind), "options": _options(kind.Options)}


def _probe(known: Components, name: str) -> dict[str, Any]:
    kind = known.probes.get(name, Probe)
    return {"about": _about(kind), "options": _options(kind.Options)}


def _benchmark(known: Components, name: str) -> dict[str, Any]:
    checked = _plan(known, name)
    benchmark = checked.benchmark
    runs = _runs(known, checked)
    return {
        "about": benchmark.title + (f"\n{benchmark.paper}" if benchmark.paper else ""),
        "file": str(catalogue.names()[name]),
        "task": {"name": benchmark.task.name, **benchmark.task.options},
        "T": ", ".join(map(str, benchmark.T)),
        "seeds": ", ".join(map(str, benchmark.seeds)),
        "models": {run.label: _size(known, run) for run in runs},
        "fit of the first model": _flat(runs[0].fit),
        "all options of fit": _options(Fit),
        "all options of probes": _options(Probes),
        **{f"options of {names}": fields for names, fields in _optimizers().items()},
        "figures": [figure.name for figure in benchmark.figures],
    }


def _paper(_: Components, name: str) -> dict[str, Any]:
    paper = load_paper(name)
    said = {
        n: f"{c.says} ({c.reference.text}; expected {c.expect.text})"
        for n, c in paper.claims.items()
    }
    return {
        "about": f"{paper.title}\n{paper.paper}",
        "file": str(catalogue.claims()[name]),
        "claims": said,
        "quick": list(paper.quick),
    }


def _optimizers() -> dict[str, dict[str, str]]:
    """Return the options of every optimizer, by the names it goes by."""
    members = get_args(get_args(Optimizer)[0])
    names = {m: " and ".join(get_args(m.model_fields["name"].annotation)) for m in members}
    return {names[m]: {k: v for k, v in _options(m).items() if k != "name"} for m in members}


def _plan(known: Components, name: str) -> CheckedBenchmark:
    return check_benchmark(*catalogue.find(name), Selection(), known.cells.names())


def _runs(known: Components, checked: CheckedBenchmark) -> list[Run]:
    """Return one run for each model of a benchmark, at its first length and seed."""
    benchmark = checked.benchmark
    selection = Selection(lengths=(next(iter(benchmark.T)),), seeds=benchmark.seeds[:1])
    return [resolve(known, checked.name, d) for d in drafts(checked, selection)]


def _sizes(known: Components, cell: str) -> dict[str, str]:
    """Return the cell's size in every benchmark that has it; files with faults are passed over."""
    found: dict[str, str] = {}
    for name in catalogue.names():
        with suppress(UsageError):
            runs = _runs(known, _plan(known, name))
            mine = [run for run in runs if run.cell.name == cell]
            found |= {f"{name}: {run.label}": _size(known, run) for run in mine}
    return found


def _size(known: Components, run: Run) -> str:
    return f"hidden {run.hidden}, {build.count_parameters(known, run):,} parameters"


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
    if isinstance(value, ComponentSpec) and not value.options:
        return value.name
    if isinstance(value, BaseModel):
        return ", ".join(f"{k}: {_value(v)}" for k, v in value.model_dump().items())
    if isinstance(value, tuple | list):
        return ", ".join(map(_value, value))
    return "none" if value is None else str(value)


def _flat(fit: Fit) -> dict[str, str]:
    return {name: _value(getattr(fit, name)) for name in Fit.model_fields}
