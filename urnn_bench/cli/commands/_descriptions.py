"""Descriptions of ``urnn-bench describe``, as plain values and as text."""

import ast
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias, get_args

from pydantic import BaseModel, JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from urnn_bench.cells.base import Cell
from urnn_bench.cells.units.base import Unit
from urnn_bench.claims.schema import load_paper
from urnn_bench.cli.display.messages import size
from urnn_bench.errors import UnknownComponentError, UsageError
from urnn_bench.figures.base import Figure
from urnn_bench.probes.base import Probe
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.matrix import check_figures
from urnn_bench.run.resolve import cell_options, resolve_all
from urnn_bench.spec import catalogue
from urnn_bench.spec.fit import Fit, Optimizer
from urnn_bench.spec.layers import Block
from urnn_bench.spec.run import Probes, Run
from urnn_bench.spec.schedule import Schedule
from urnn_bench.spec.search import Axis, Search
from urnn_bench.spec.sweep import CheckedBenchmark, Selection, check_benchmark, drafts
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.tasks.base import Task
from urnn_bench.text import line

# an entry is a sentence, a list of them, or sentences by name
Entry: TypeAlias = str | Sequence[str] | Mapping[str, JsonValue]
Description: TypeAlias = dict[str, Entry]


def describe(components: Components, name: str) -> list[Description]:
    """Return a description of everything called ``name``; raise UnknownComponentError if none."""
    kinds: dict[str, tuple[Sequence[str], Callable[[Components, str], Description]]] = {
        "benchmark": (tuple(catalogue.names()), _benchmark),
        "model": (components.cells.names(), _model),
        "unit": (components.units.names(), _unit),
        "task": (components.tasks.names(), _task),
        "readout": (components.readouts.names(), _readout),
        "figure": (components.figures.names(), _figure),
        "probe": (components.probes.names(), _probe),
        "paper": (tuple(catalogue.claims()), _paper),
    }
    descriptions = [
        {"kind": kind, "name": name, **description_of(components, name)}
        for kind, (names, description_of) in kinds.items()
        if name in names
    ]
    if not descriptions:
        all_names = {name for names, _ in kinds.values() for name in names}
        raise UnknownComponentError(
            "benchmark, model, unit, task, readout, figure, probe or paper", name, all_names
        )
    return descriptions


def text(description: Description) -> str:
    """Return a description as indented text."""
    lines = [f"{description['name']} ({description['kind']})", "", str(description["about"])]
    for key, entry in description.items():
        if key not in ("kind", "name", "about") and entry:
            lines += ["", f"{key}:", *_indented(entry)]
    return "\n".join(lines)


def _indented(entry: Entry) -> list[str]:
    if isinstance(entry, Mapping):
        pairs = {line(key): line(str(value)) for key, value in entry.items()}
        width = max(map(len, pairs))
        return [f"  {key:<{width}}  {value}" for key, value in pairs.items()]
    return [f"  {line(part)}" for part in ([entry] if isinstance(entry, str) else entry)]


def _model(components: Components, name: str) -> Description:
    cell = components.cells.get(name, Cell)
    return {
        "about": _about(cell),
        "options": _options(cell.Options),
        "states": ", ".join(s.name if s.memory else f"{s.name} (no memory)" for s in cell.states),
        "kernels": ", ".join(["auto", "eager", *cell.kernels]),
        "sizes in the benchmarks": _sizes(components, name),
    }


def _unit(components: Components, name: str) -> Description:
    unit = components.units.get(name, Unit)
    return {
        "about": _about(unit),
        "options": _options(unit.Options),
        "states": ", ".join(unit.state_names),
    }


def _task(components: Components, name: str) -> Description:
    task = components.tasks.get(name, Task)
    metrics = [f"{task.metrics[0]} (the loss; best weights have the lowest)", *task.metrics[1:]]
    return {"about": _about(task), "options": _options(task.Options), "metrics": metrics}


def _readout(components: Components, name: str) -> Description:
    readout = components.readouts.get(name, Readout)
    return {"about": _about(readout), "options": _options(readout.Options)}


def _figure(components: Components, name: str) -> Description:
    figure = components.figures.get(name, Figure)
    return {"about": _about(figure), "options": _options(figure.Options)}


def _probe(components: Components, name: str) -> Description:
    probe = components.probes.get(name, Probe)
    return {"about": _about(probe), "options": _options(probe.Options)}


def _benchmark(components: Components, name: str) -> Description:
    checked = _checked(components, name)
    check_figures(components, checked)
    benchmark = checked.benchmark
    runs = _example_runs(components, checked)
    return {
        "about": benchmark.title + (f"\n{benchmark.paper}" if benchmark.paper else ""),
        "file": str(catalogue.names()[name]),
        "task": {"name": benchmark.task.name, **benchmark.task.model_dump(mode="json")["options"]},
        "T": ", ".join(map(str, benchmark.T)),
        "seeds": ", ".join(map(str, benchmark.seeds)),
        "models": {run.label: _size(components, run) for run in runs},
        "task of models that change it": {
            label: _written(model.task) for label, model in benchmark.models.items() if model.task
        },
        "stages": {run.label: _stages(run) for run in runs if run.stages},
        "grid": {axis: _value(values) for axis, values in benchmark.grid.items()},
        "search": _search(benchmark.search),
        "fit of the first model": _flat(runs[0].fit),
        "scored also at T": _value(benchmark.evaluate.T) if benchmark.evaluate else (),
        "all options of fit": _options(Fit),
        "all options of schedule": _options(Schedule),
        "all options of block": _options(Block),
        "all options of probes": _options(Probes),
        **{f"options of {names}": fields for names, fields in _optimizers().items()},
        "figures": [figure.name for figure in benchmark.figures],
    }


def _search(search: Search | None) -> Mapping[str, JsonValue]:
    """Return the space of a search, an axis a line."""
    return {axis: _axis(values) for axis, values in search.space.items()} if search else {}


def _axis(axis: Axis) -> str:
    """Return "4 to 12, step 4", or choices, and when they count."""
    if axis.choices is not None:
        text = _value(axis.choices)
    else:
        low, high = axis.ends
        text = f"{low:g} to {high:g}"
    step = "" if axis.step is None else f", step {axis.step:g}"
    when = (f"{name} is {' or '.join(map(_value, axis.when[name]))}" for name in axis.when)
    condition = f", if {' and '.join(when)}" if axis.when else ""
    return f"{text}{step}{', logarithmic' if axis.log else ''}{condition}"


def _paper(_: Components, name: str) -> Description:
    paper = load_paper(name)
    claims: dict[str, JsonValue] = {
        key: f"{claim.says} ({claim.reference.text}; expected {claim.expected})"
        for key, claim in paper.claims.items()
    }
    return {
        "about": f"{paper.title}\n{paper.paper}",
        "file": str(catalogue.claims()[name]),
        "claims": claims,
        "quick": list(paper.quick),
    }


def _optimizers() -> dict[str, Mapping[str, JsonValue]]:
    """Return the options of every optimizer, by the names of the optimizer."""
    members = get_args(get_args(Optimizer)[0])
    names = {m: " and ".join(get_args(m.model_fields["name"].annotation)) for m in members}
    return {names[m]: {k: v for k, v in _options(m).items() if k != "name"} for m in members}


def _checked(components: Components, name: str) -> CheckedBenchmark:
    return check_benchmark(*catalogue.find(name), Selection(), components.cells.names())


def _example_runs(components: Components, checked: CheckedBenchmark) -> list[Run]:
    """Return one run of each model of a benchmark, at its first length and seed."""
    benchmark = checked.benchmark
    selection = Selection(lengths=(next(iter(benchmark.T)),), seeds=benchmark.seeds[:1])
    unresolved = drafts(checked, selection, cell_options(components))
    return resolve_all(components, checked.name, unresolved)


def _sizes(components: Components, cell: str) -> dict[str, JsonValue]:
    """Return the cell's size in every benchmark that trains it, except in faulty files."""
    sizes: dict[str, JsonValue] = {}
    for name in catalogue.names():
        with suppress(UsageError):
            for run in _example_runs(components, _checked(components, name)):
                if run.cell.name == cell:
                    sizes[f"{name}: {run.label}"] = _size(components, run)
    return sizes


def _size(components: Components, run: Run) -> str:
    return size(run, build.count_parameters(components, run))


def _about(component: type) -> str:
    # from the file, as PYTHONOPTIMIZE=2 removes docstrings
    source = inspect.getsource(sys.modules[component.__module__])
    return ast.get_docstring(ast.parse(source)) or ""


def _options(options: type[BaseModel]) -> dict[str, JsonValue]:
    """Return default, unit and meaning of every option."""
    return {name: _option(field) for name, field in options.model_fields.items()}


def _option(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = f" {extra['unit']}" if isinstance(extra, dict) and "unit" in extra else ""
    default = "required" if field.default is PydanticUndefined else _value(field.default)
    return f"[{default}{unit}] {field.description or ''}".rstrip()


def _value(value: object) -> str:
    if isinstance(value, ComponentSpec) and not value.options:
        return value.name
    if isinstance(value, BaseModel):
        return ", ".join(f"{k}: {_value(v)}" for k, v in value.model_dump().items())
    if isinstance(value, tuple | list):
        return ", ".join(map(_value, value))
    return "none" if value is None else str(value)


def _written(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {_value(value)}" for name, value in options.items())


def _stages(run: Run) -> str:
    return ", ".join(f"{stage.name} ({stage.fit.steps} updates)" for stage in run.stages)


def _flat(fit: Fit) -> dict[str, JsonValue]:
    return {name: _value(getattr(fit, name)) for name in Fit.model_fields}
