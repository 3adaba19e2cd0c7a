"""Components of files that are included and that no run has."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from urnn_bench.registry import load_file
from urnn_bench.registry.classes import subclasses
from urnn_bench.run.resolve import BASES
from urnn_bench.spec.run import Run

# what an included component is called, and the option by which runs have it
_USE = {
    "cells": ("model", "--model {}"),
    "tasks": ("task", "--set task.name={}"),
    "readouts": ("readout", "--set readout={}"),
}


def unused(paths: Sequence[Path], runs: Sequence[Run]) -> list[str]:
    """Return a sentence for each included model, task or readout that no run has."""
    parts = [part for run in runs for part in run.parts]
    used = {
        "cells": {run.cell.name for run in runs},
        "tasks": {part.task.name for part in parts},
        "readouts": {run.readout.name for run in runs},
    }
    sentences = []
    for path in paths:
        module = load_file(path.resolve())
        kinds = [folder for folder, base in BASES.items() if subclasses(module, base)]
        is_other = not set(kinds) <= used.keys()
        if not is_other and not any(path.stem in used[kind] for kind in kinds):
            kind, option = _USE[kinds[0]]
            sentences.append(
                f"{path}: no run has the {kind} '{path.stem}'; to use it, add "
                f"{option.format(shlex.quote(path.stem))}"
            )
    return sentences
