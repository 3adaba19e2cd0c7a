"""Convolutional recurrent networks: accuracies of every model, and searches."""

import json
from collections.abc import Sequence
from statistics import mean
from typing import Any

from blocks.markdown import table as markdown
from blocks.program import PAPER, ROOT
from blocks.records import Run, runs

_FOLDER, _SEARCH = "convrnn-2018", "conv/search"


def accuracies(*benchmarks: str) -> str:
    """Return a row for every model: parameters, and the mean accuracy and its range in percent."""
    found = {benchmark: runs(_FOLDER, benchmark) for benchmark in benchmarks}
    models = dict.fromkeys(run.key[0] for own in found.values() for run in own)
    ordered = sorted(models, key=lambda model: -_first_mean(model, found[benchmarks[0]]))
    headers = ("model", "parameters", *(name.rpartition("/")[2] for name in benchmarks))
    rows = [(m, _size(m, found), *(_shown(m, found[b]) for b in benchmarks)) for m in ordered]
    return markdown(headers, rows)


def best_trials() -> str:
    """Return a row for every search: its sampler and seed, trials, updates, and its best loss."""
    rows = [_search_row(own) for own in _searches()]
    headers = ("sampler", "seed", "trials", "pruned", "updates", "best validation loss in nat")
    return markdown(headers, rows)


def _searches() -> list[list[dict[str, Any]]]:
    path = ROOT / PAPER / _FOLDER / _SEARCH / "trials.jsonl"
    trials = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    keys = sorted({(trial["sampler"], trial["seed"]) for trial in trials}, reverse=True)
    return [[t for t in trials if (t["sampler"], t["seed"]) == key] for key in keys]


def _search_row(trials: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    losses = [trial["loss"] for trial in trials if trial["loss"] is not None]
    pruned = sum(trial["state"] == "pruned" for trial in trials)
    updates = sum(trial["updates"] for trial in trials)
    counts = str(trials[0]["seed"]), str(len(trials)), str(pruned), f"{updates:,}"
    return str(trials[0]["sampler"]), *counts, f"{min(losses):.3f}"


def _values(model: str, own: Sequence[Run]) -> list[float]:
    return [100 * float(run.record["test"]["accuracy"]) for run in own if run.key[0] == model]


def _first_mean(model: str, own: Sequence[Run]) -> float:
    return mean(_values(model, own) or [0.0])


def _shown(model: str, own: Sequence[Run]) -> str:
    values = _values(model, own)
    if not values:
        return "–"
    return f"{mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _size(model: str, found: dict[str, tuple[Run, ...]]) -> str:
    sizes = (r.record["parameters"] for own in found.values() for r in own if r.key[0] == model)
    return f"{next(sizes):,}"
