"""What one side of a comparison lacks, in words, with the commands that train it."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from urnn_bench.cli.sources import run_command, runnable_name
from urnn_bench.proposals import Command
from urnn_bench.spec.labels import names_of

if TYPE_CHECKING:
    from urnn_bench.analysis.missing import Missing


class SideOf(NamedTuple):
    """A side of a comparison as the user named it: a folder, or a model of a folder."""

    name: str
    folder: Path | None
    model: str | None = None


def descriptions(missing: "Sequence[Missing]", side: SideOf) -> list[str]:
    """Return what a side lacks, models of the same seeds in one sentence with its command."""
    groups: dict[Hashable, list[Missing]] = {}
    for part in missing:
        groups.setdefault((part.key.benchmark, *_shared(part)), []).append(part)
    return [_description(parts, side) for parts in groups.values()]


def _shared(part: "Missing") -> tuple[Hashable, ...]:
    return part.key.T, part.key.length, part.seeds, part.record.run.settings


def _description(parts: "Sequence[Missing]", side: SideOf) -> str:
    first = parts[0]
    models = tuple(side.model or part.record.run.label for part in parts)
    tested = f" tested at T={first.key.length}" if first.key.length else ""
    where = f"{first.key.benchmark} {', '.join(models)} T={first.key.T}{tested}"
    seeds = f"seed{'s' * (len(first.seeds) > 1)} {', '.join(map(str, first.seeds))}"
    command = _command(first, side, models)
    return f"missing in {first.side}, {side.name}: {where}, {seeds}; train with: {command}"


def _command(part: "Missing", side: SideOf, models: tuple[str, ...]) -> Command:
    run = part.record.run
    given = runnable_name(run.benchmark, [(Path(), part.record)])
    command = run_command(given, side.folder).of_run(given, models[0], run.T, part.seeds[0])
    are_first = part.seeds == tuple(range(len(part.seeds)))
    seeds = {"seeds": (), "first_seeds": len(part.seeds)} if are_first else {"seeds": part.seeds}
    # a command takes settings by --set, and not in the name of a model
    plain = tuple(names_of(model)[-1] for model in models)
    return replace(command, models=plain, **seeds).with_settings(run.settings)
