"""What one side of a comparison lacks, in words, with the commands that train it."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from urnn_bench.cli.display.comparisons import seeds_text
from urnn_bench.cli.sources import included_by, run_command, runnable_name
from urnn_bench.proposals import Command
from urnn_bench.records.record import INTERRUPTED, RUNNING, Record
from urnn_bench.spec.labels import names_of

if TYPE_CHECKING:
    from urnn_bench.analysis.missing import Missing


class SideOf(NamedTuple):
    """A side of a comparison as the user named it: a folder, or a model of a folder.

    ``records`` are its runs.
    """

    name: str
    folder: Path | None
    records: Sequence[Record]
    model: str | None = None


def descriptions(missing: "Sequence[Missing]", side: SideOf) -> list[str]:
    """Return what a side lacks, models of the same seeds in one sentence with its command."""
    groups: dict[Hashable, list[Missing]] = {}
    for part in missing:
        groups.setdefault((part.key.benchmark, *_shared(part)), []).append(part)
    return [_description(parts, side) for parts in groups.values()]


def _shared(part: "Missing") -> tuple[Hashable, ...]:
    run = part.record.run
    return part.key.T, part.key.length, part.seeds, part.state, run.settings


def _description(parts: "Sequence[Missing]", side: SideOf) -> str:
    first = parts[0]
    models = _models(parts, side)
    tested = f" tested at T={first.key.length}" if first.key.length else ""
    where = f"{first.key.benchmark} {', '.join(models)} T={first.key.T}{tested}"
    command = _command(parts, side)
    return (
        f"missing in {first.side}, {side.name}: {where}, {seeds_text(first.seeds)}{_state(parts)}; "
        f"train with: {command}"
    )


def _state(parts: "Sequence[Missing]") -> str:
    """Return how many runs there are without a test score, and their state."""
    count, state = sum(len(part.seeds) for part in parts), parts[0].state
    text = _STATES.get(state, "without a test score")
    return f" ({count} run{'s' * (count > 1)} {text})" if state else ""


_STATES = {
    "failed": "failed",
    INTERRUPTED: "interrupted",
    RUNNING: "not ended",
    "oom": "out of memory",
    "timeout": "out of time",
}


def _models(parts: "Sequence[Missing]", side: SideOf) -> tuple[str, ...]:
    return tuple(side.model or part.record.run.label for part in parts)


def json_missing(missing: "Sequence[Missing]", side: SideOf) -> list[dict[str, object]]:
    """Return what a side lacks as JSON, each with the command that trains it."""
    return [
        {
            "side": part.side,
            "benchmark": part.key.benchmark,
            "model": side.model or part.record.run.label,
            "T": part.key.T,
            "length": part.key.tested,
            "seeds": list(part.seeds),
            "state": part.state,
            "command": str(_command([part], side)),
        }
        for part in missing
    ]


def _command(parts: "Sequence[Missing]", side: SideOf) -> Command:
    part, models = parts[0], _models(parts, side)
    run, runs = part.record.run, [(Path(), each.record) for each in parts]
    # the other side's model may be in another file than this side's
    own = [(Path(), each) for each in side.records] if side.model else runs
    given = runnable_name(run.benchmark, runs)
    command = run_command(given, side.folder, included_by(own))
    command = command.of_run(given, models[0], run.T, part.seeds[0])
    are_first = part.seeds == tuple(range(len(part.seeds)))
    seeds = {"seeds": (), "first_seeds": len(part.seeds)} if are_first else {"seeds": part.seeds}
    # a command takes settings by --set, and not in the name of a model
    plain = tuple(names_of(model)[-1] for model in models)
    return replace(command, models=plain, **seeds).with_settings(run.settings)
