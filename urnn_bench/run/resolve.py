"""An unresolved run to a run: components found, options checked, width chosen."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from urnn_bench.cells.base import Cell
from urnn_bench.cells.units.base import Unit
from urnn_bench.errors import SpecError, UsageError
from urnn_bench.figures.base import Figure
from urnn_bench.pooling import choices
from urnn_bench.probes.base import Probe
from urnn_bench.readouts.base import Readout, SolvedReadout
from urnn_bench.registry import Components, load_file
from urnn_bench.registry.classes import faults_of, subclasses
from urnn_bench.run.build import architecture_of
from urnn_bench.run.filled import checked, with_options
from urnn_bench.run.step_order import check_direction, check_feedback
from urnn_bench.run.width import check_width, widest
from urnn_bench.spec.faults import Faults
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.run import Run
from urnn_bench.spec.sweep import CellOptions, UnresolvedRun
from urnn_bench.spec.types import PoolName
from urnn_bench.tasks.base import Signature, Targets, Task, Tokens

BASES: dict[str, type[Cell | Task | Readout | Figure | Probe | Unit]] = {
    "cells": Cell,
    "tasks": Task,
    "readouts": Readout,
    "figures": Figure,
    "probes": Probe,
    "units": Unit,
}


def include(components: Components, paths: Sequence[Path]) -> Components:
    """Return the registries with the components of the user's files."""
    for path in paths:
        module = load_file(path.resolve())
        folders = [folder for folder, base in BASES.items() if subclasses(module, base)]
        if not folders:
            faults = "; ".join(faults_of(module, BASES.values()))
            text = (
                faults or "defines no public subclass of Cell, Task, Readout, Figure, Probe or Unit"
            )
            raise UsageError(f"{path}: {text}")
        extended = {name: getattr(components, name).include(path.resolve()) for name in folders}
        components = replace(components, **extended)
    return components


def cell_options(components: Components) -> CellOptions:
    """Return a function from the name of a cell to the names of its options."""

    def options_of(cell: str) -> Collection[str] | None:
        known = cell in components.cells.names()
        return components.cells.get(cell, Cell).Options.model_fields if known else None

    return options_of


def resolve_all(
    components: Components, benchmark: str, drafts: Sequence[UnresolvedRun]
) -> list[Run]:
    """Resolve the runs of a benchmark; what differs in the seed alone is checked once.

    Raises SpecError, or UnknownComponentError, with the places in the benchmark file.
    """
    faults = Faults()
    runs = resolve_with_faults(components, benchmark, drafts, faults)
    faults.check()
    return runs


def resolve_with_faults(
    components: Components, benchmark: str, drafts: Sequence[UnresolvedRun], faults: Faults
) -> list[Run]:
    """Resolve the runs of a benchmark, and add what is wrong to ``faults``.

    Of a benchmark that has faults already, only the components are checked.
    """
    is_plain = not faults
    known: dict[tuple[str, int], tuple[Run, ...]] = {}
    for draft in drafts:
        if (key := (draft.label, draft.T)) not in known:
            own = Faults()
            filled = with_options(components, draft, own)
            is_whole = is_plain and not own
            known[key] = own.run(_resolved, components, benchmark, filled) if is_whole else ()
            faults.run(own.check)
    # a copy is not validated again, which the seeds have been
    return [
        run.model_copy(update={"seed": draft.seed})
        for draft in drafts
        for run in known[draft.label, draft.T]
    ]


def resolve(components: Components, benchmark: str, draft: UnresolvedRun) -> Run:
    """Check the options of a run's components and choose its width; raise as ``resolve_all``."""
    (run,) = resolve_all(components, benchmark, [draft])
    return run


def _resolved(components: Components, benchmark: str, draft: UnresolvedRun) -> Run:
    """Return the run of a draft with all options; raise SpecError if they do not fit together."""
    model, faults = draft.model, Faults()
    run = Run(
        benchmark=benchmark,
        label=draft.label,
        task=draft.task,
        cell=model.cell,
        layers=model.layers or 1,
        block=model.block,
        bidirectional=model.bidirectional or False,
        readout=draft.readout,
        # a budget of parameters is turned into a width below
        hidden=model.hidden or 1,
        fit=draft.fit,
        seed=draft.seed,
        probes=draft.probes,
        settings=draft.settings,
        evaluate=draft.evaluate,
        stages=draft.stages,
    )
    for pool in faults.run(_pool, components, run, draft):
        run = run.model_copy(update={"pool": pool})
    for check_draft in (_check_probes, _check_evaluate):
        faults.run(check_draft, components, draft)
    for check in (_check_solved_readout, check_direction, check_feedback, _check_forms):
        faults.run(check, components, run, draft)
    faults.check()
    if model.hidden is None:
        return _within_budget(components, run, draft)
    check_width(components, run, draft.where(("models", draft.model_name)))
    return run


def _within_budget(components: Components, run: Run, draft: UnresolvedRun) -> Run:
    """Return a run of the greatest width that its budget of parameters allows."""
    budget, where = draft.model.parameters, draft.where(("models", draft.model_name))
    if budget is None:
        raise SpecError(where + "give the size, by 'hidden' or by a budget of 'parameters'")
    hidden = widest(components, run, budget)
    if hidden is None:
        raise SpecError(where + f"no width has as few as {budget} parameters")
    return run.model_copy(update={"hidden": hidden})


def _check_forms(components: Components, run: Run, draft: UnresolvedRun) -> None:
    """Raise SpecError for a stage whose task has other inputs or outputs than the last one's."""
    for stage, part in zip(run.stages, run.parts, strict=False):
        if part.task == run.task:
            continue
        form, last = (architecture_of(components, r).signature for r in (part, run))
        if form != last:
            where = draft.where((*draft.path("stages"), stage.name, "task"))
            raise SpecError(
                f"{where}'{part.task.name}' has {_form(form)}, and '{run.task.name}' of the last "
                f"stage has {_form(last)}; one network cannot learn both"
            )


def _form(signature: Signature) -> str:
    inputs, outputs = signature.inputs, signature.outputs
    read = f"{inputs.width} {'tokens' if isinstance(inputs, Tokens) else 'inputs'}"
    scored = f"{outputs} outputs, scored at {_SCORED[signature.targets]}"
    fed_back = f", {steps} of them fed back" if (steps := signature.feedback_steps) else ""
    return f"{read} and {scored}{fed_back}"


def _check_solved_readout(components: Components, run: Run, draft: UnresolvedRun) -> None:
    """Raise SpecError if a readout that nothing trains with is given a cell to be trained."""
    if not issubclass(components.readouts.get(run.readout.name, Readout), SolvedReadout):
        return
    if run.stages:
        raise SpecError(
            f"{draft.where(draft.path('readout'))}'{run.readout.name}' is solved once and has no "
            "updates, so there are no stages; take another readout, or give the model 'stages: []'"
        )
    if architecture_of(components, run).trains_cell(run.hidden):
        raise SpecError(
            f"{draft.where(draft.path('readout'))}'{run.readout.name}' is solved once and trains "
            f"nothing else, and the cell '{run.cell.name}' has parameters to train; take a cell "
            "without any, such as esn, or another readout"
        )


def _pool(components: Components, run: Run, draft: UnresolvedRun) -> PoolName | None:
    """Return how a draft pools features, None for the default way.

    Raises SpecError if the task does not score what the pool returns.
    """
    name = draft.model.pool
    if name is None:
        return None
    targets = architecture_of(components, run).signature.targets
    possible = choices(targets is Targets.EVERY_STEP)
    if name not in possible:
        text = f"the task '{run.task.name}' is scored at {_SCORED[targets]}, so it must be"
        where = draft.where(draft.path("pool"))
        *first, last = possible
        either = f"{', '.join(first)} or {last}" if first else last
        raise SpecError(f"{where}{text} {either}, not {name}")
    return None if name == possible[0] else name


_SCORED = {Targets.LAST_STEP: "the last step", Targets.EVERY_STEP: "every step"}


def _check_probes(components: Components, draft: UnresolvedRun) -> None:
    """Raise SpecError if a network cannot be probed, or not at the length of the probes."""
    if draft.probes is None:
        return
    _require_steps(components, draft)
    if draft.probes.T is not None:
        _check_length(components, draft.probes.T, draft, ("probes", "T"))


def _require_steps(components: Components, draft: UnresolvedRun) -> None:
    """Raise SpecError if a network that is to be probed cannot be computed step by step."""
    model = draft.model
    varies = components.cells.get(model.cell.name, Cell).time_varying
    without_step = {
        "bidirectional": model.bidirectional,
        "layers": varies and model.layers not in (None, 1),
    }
    for key in filter(without_step.get, without_step):
        text = f"probes follow a network step by step; leave out '{key}' or the probes"
        raise SpecError(draft.where(draft.path(key)) + text)


def _check_evaluate(components: Components, draft: UnresolvedRun) -> None:
    """Raise SpecError if a draft's task cannot be scored at a length of its test."""
    path = ("evaluate", "T")
    for length in draft.evaluate.T if draft.evaluate else ():
        reason = components.tasks.get(draft.task.name, Task).fixed_length_reason
        if reason and length != draft.T:
            text = f"'{draft.task.name}' trained at T = {draft.T} cannot be scored at T = {length}"
            raise SpecError(f"{draft.where(path)}{text}: {reason}")
        _check_length(components, length, draft, path)


def _check_length(components: Components, T: int, draft: UnresolvedRun, path: KeyPath) -> None:
    """Raise SpecError with the place ``path`` if a draft's task cannot have a length.

    An option that follows from T stays what it is at the length of training.
    """
    task = draft.task.model_copy(update={"options": {**draft.task.options, "T": T}})
    checked(components.tasks, Task, task, draft, path)
