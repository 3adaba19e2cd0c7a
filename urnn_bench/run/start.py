"""The weights of another run that a run starts from: found, checked and loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from urnn_bench import files
from urnn_bench.engine.update import Job
from urnn_bench.errors import RecordsError, SpecError
from urnn_bench.proposals import Command
from urnn_bench.records.folder import CHECKPOINT, default_results, records
from urnn_bench.records.record import GOOD, Record
from urnn_bench.registry import Components
from urnn_bench.run import build, checkpoint
from urnn_bench.spec.run import Run
from urnn_bench.spec.start import Start, StartFrom
from urnn_bench.spec.sweep import UnresolvedRun

_Found = tuple[Path, Record]
_PATH = ("start_from",)


def with_starts(
    components: Components, runs: Sequence[Run], drafts: Sequence[UnresolvedRun], results: Path
) -> list[Run]:
    """Return the runs with the one that each starts from, if its draft names one.

    Raises SpecError if that is not there, not done, or has no weights that fit.
    """
    return [
        run if draft.start_from is None else _started(components, run, draft, results)
        for run, draft in zip(runs, drafts, strict=True)
    ]


def load(run: Run, job: Job) -> None:
    """Give a new run's network the weights that it starts from; raise RecordsError."""
    if run.start_from is not None:
        weights = _weights(Path(run.start_from.folder), run.start_from.identity)
        job.model.load_state_dict(weights)


def _started(components: Components, run: Run, draft: UnresolvedRun, results: Path) -> Run:
    try:
        folder, record = _found(run, draft.start_from or StartFrom(), results)
        weights = _weights(folder, record.identity)
        _require_fit(weights, build.shapes(components, run), folder)
    except RecordsError as error:
        raise SpecError(f"{draft.where(_PATH)}{error}") from error
    start = Start(identity=record.identity, folder=str(folder.resolve()))
    return run.model_copy(update={"start_from": start})


def _found(run: Run, wanted: StartFrom, results: Path) -> _Found:
    """Return the run that is wanted; raise RecordsError with the command that trains it."""
    if wanted.folder is not None:
        return _in_folder(files.expanded(wanted.folder))
    given = str(wanted.benchmark)
    name = Path(given).stem if given.endswith((".yaml", ".yml")) else given
    place = results if wanted.results is None else files.expanded(wanted.results)
    key = (wanted.model or run.label, wanted.T or run.T)
    key_of_run = (*key, run.seed if wanted.seed == "same" else wanted.seed)
    command = _command(given, place).of_run(given, *key_of_run)
    found = [(f, r) for f, r in records(place, name) if _key(r.run) == key_of_run]
    label, T, seed = key_of_run
    text = f"'{label}' of '{given}' at T = {T}, seed {seed}"
    if not found:
        raise RecordsError(f"there is no run of {text} in {place}; train it with: {command}")
    done = [pair for pair in found if pair[1].status in GOOD]
    if len(done) > 1:
        names = ", ".join(folder.name for folder, _ in done)
        raise RecordsError(f"there are {len(done)} runs of {text}: {names}; give the folder of one")
    return _require_done(*(done or found)[0], command)


def _key(run: Run) -> tuple[str, int, int]:
    return run.label, run.T, run.seed


def _command(given: str, results: Path) -> Command:
    is_default = results == default_results()
    return Command({given: given}, results=None if is_default else str(results))


def _in_folder(folder: Path) -> _Found:
    record = Record.read(folder)
    if record is None:
        raise RecordsError(f"{folder}: holds no run; give the folder of one below results/")
    run = record.run
    results = folder.resolve().parents[len(Path(run.benchmark).parts)]
    command = _command(run.benchmark, results).of_run(run.benchmark, *_key(run))
    return _require_done(folder, record, command)


def _require_done(folder: Path, record: Record, command: Command) -> _Found:
    """Return a run; raise RecordsError unless it is done and its weights are kept."""
    again = command.with_settings(record.run.settings)
    if record.status not in GOOD:
        raise RecordsError(f"{folder} is {record.status} and not done; train it with: {again}")
    if not (folder / CHECKPOINT).is_file():
        raise RecordsError(
            f"{folder} has kept no weights, as its {CHECKPOINT} is not there; train it again "
            f"with: {replace(again, force=True)}"
        )
    return folder, record


def _weights(folder: Path, identity: str) -> Mapping[str, Tensor]:
    """Return the best weights of a run, or its last ones if none were scored."""
    content = checkpoint.load(folder / CHECKPOINT, identity)
    return content.position.best_weights or content.model


def _require_fit(
    weights: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], folder: Path
) -> None:
    """Raise RecordsError with the first parameter that has another shape, or is missing."""
    found = {name: tensor.shape for name, tensor in weights.items()}
    for name in dict.fromkeys((*shapes, *found)):
        if found.get(name) != shapes.get(name):
            there, here = (_shape(of.get(name)) for of in (found, shapes))
            raise RecordsError(
                f"the weights of {folder} do not fit: '{name}' is {there} there and {here} here; "
                "take the same cell, layers, width and readout"
            )


def _shape(shape: torch.Size | None) -> str:
    return "missing" if shape is None else f"of shape {tuple(shape)}"
