"""What the files of benchmarks say of their recorded runs, as far as there are files."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.errors import UsageError
from urnn_bench.records.record import Record
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.load import Document, KeyPath
from urnn_bench.spec.settings_of import CELL, TASK
from urnn_bench.spec.sweep import Selection, UnresolvedRun, check_benchmark, drafts

if TYPE_CHECKING:
    from urnn_bench.analysis.configurations import BenchmarkFile

Run = tuple[Path, Record]


def file_of(given: str, runs: Sequence[Run]) -> "BenchmarkFile":
    """Return what the benchmark's file says of runs; ``given`` is its name or path."""
    from urnn_bench.analysis.configurations import BenchmarkFile

    # a file that is gone, or wrong by now, says nothing of what is recorded
    with suppress(UsageError):
        name, document = catalogue.find(given)
        title = str(document.mapping.get("title", ""))
        places = sorted({(record.run.label, record.run.T) for _, record in runs})
        return BenchmarkFile(title, _drafts(name, document, places), options_of)
    return BenchmarkFile()


def _drafts(
    name: str, document: Document, places: Sequence[tuple[str, int]]
) -> Mapping[tuple[str, int], UnresolvedRun]:
    """Return the run of every label and length, as far as the file has them today."""
    labels = tuple(dict.fromkeys(label for label, _ in places))
    lengths = tuple(dict.fromkeys(T for _, T in places))
    found: dict[tuple[str, int], UnresolvedRun] = {}
    for group in (labels, *((label,) for label in labels)):
        with suppress(UsageError):
            selection = Selection(lengths, group, (0,))
            checked = check_benchmark(name, document, selection, labels)
            found |= {(d.label, d.T): d for d in drafts(checked, selection, cell_options)}
        if set(places) <= found.keys():
            break
    return found


def cell_options(cell: str) -> Collection[str] | None:
    """Return the names of a cell's options, for a grid over them."""
    # cells need torch, which reading does not
    from urnn_bench.run import resolve

    return resolve.cell_options(Components())(cell)


def options_of(draft: UnresolvedRun, owner: KeyPath, name: str) -> Mapping[str, object]:
    """Return all options of a component of a draft; those of another one are its defaults."""
    of_draft = {CELL: draft.model.cell, TASK: draft.task, READOUT: draft.readout}.get(owner)
    given = of_draft.options if of_draft and of_draft.name == name else {}
    return _all_options(_KINDS.get(owner, ""), name, json.dumps(given, sort_keys=True, default=str))


@cache
def _all_options(kind: str, name: str, given: str) -> Mapping[str, object]:
    from urnn_bench.run import defaults

    return defaults.all_options(Components(), kind, name, json.loads(given))


READOUT = ("readout",)
_KINDS = {CELL: "cells", TASK: "tasks", READOUT: "readouts", ("fit", "optimizer"): "fit"}
