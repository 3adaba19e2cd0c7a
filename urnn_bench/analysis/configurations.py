"""The configurations that a benchmark's records hold, and the labels that tell them apart.

Runs that share a model, a length and all settings are one configuration and may be averaged. What
differs from the benchmark's file stands in the label: ``urnn [adam, h=64]``. If no run of a length
is the benchmark's own, what most of them share is noted once, for the length.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from urnn_bench.errors import SpecError
from urnn_bench.records.record import Record
from urnn_bench.spec.differences import Defaults, differences, label_parts, no_defaults
from urnn_bench.spec.edits import NAME
from urnn_bench.spec.grid import GRID_SEPARATOR
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.overrides import parse_override
from urnn_bench.spec.run import Run as RunSpec
from urnn_bench.spec.settings_of import (
    CELL,
    OPTIONS_OF_CELL,
    Settings,
    settings_of_draft,
    settings_of_run,
)
from urnn_bench.spec.unresolved import UnresolvedRun

Run = tuple[Path, Record]
Key = tuple[str, int, Hashable, Path]
_HASH_DIGITS = 7
# keys whose values are of one model or length alone, and how many name it
_OF_SOME = {"models": 2, "T": 2}


def _no_options(*_: object) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True)
class BenchmarkFile:
    """What a benchmark's file says of the recorded runs; nothing if there is no such file.

    ``drafts`` are by label and length. ``options`` returns all options of a component of a draft,
    by the path of its name and the name; nothing for one that is not known.
    """

    title: str = ""
    drafts: Mapping[tuple[str, int], UnresolvedRun] = field(default_factory=dict)
    options: Callable[[UnresolvedRun, KeyPath, str], Mapping[str, object]] = _no_options


@dataclass(frozen=True)
class Configuration:
    """Runs that may be averaged, their settings, and which of these are not the file's.

    A superseded one was trained from an older file: its own settings do not explain all that
    differs. ``folder`` tells the folder of its results from others, if there are several.
    """

    runs: tuple[Run, ...]
    settings: Settings
    differences: Settings
    is_superseded: bool
    folder: str = ""

    @property
    def model(self) -> str:
        """The model's label without differing settings."""
        return self.runs[0][1].run.label

    @property
    def T(self) -> int:
        """The length of training."""
        return self.runs[0][1].run.T


def training_of(record: Record) -> Hashable:
    """Return the protocol of a run without its probes."""
    return _protocol(_unseeded(record.run).model_dump_json())


def _unseeded(run: RunSpec) -> RunSpec:
    """Return a run without what a protocol does not contain, nor its probes."""
    return run.model_copy(update={"benchmark": "", "seed": 0, "settings": (), "probes": None})


# thousands of runs have few protocols, and hashing is the slow part
@cache
def _protocol(run: str) -> str:
    return RunSpec.model_validate_json(run).protocol


def configurations(runs: Sequence[Run], file: BenchmarkFile) -> list[Configuration]:
    """Return the configurations of a benchmark's runs, in the order of their first runs.

    Those of several results folders are apart.
    """
    groups: dict[Key, list[Run]] = {}
    for run in runs:
        groups.setdefault(_key(run), []).append(run)
    folders = _names_of({folder for *_, folder in groups})
    settings = {key: settings_of_run(group[0][1].run) for key, group in groups.items()}
    return [
        replace(_configuration(key, group, settings, file), folder=folders.get(key[-1], ""))
        for key, group in groups.items()
    ]


def _key(run: Run) -> Key:
    folder, record = run
    depth = record.run.benchmark.count("/") + 1
    return record.run.label, record.run.T, training_of(record), folder.parents[depth]


def _names_of(folders: Collection[Path]) -> Mapping[Path, str]:
    """Return what tells results folders apart; nothing if there is one."""
    if len(folders) == 1:
        return {}
    are_distinct = len({folder.name for folder in folders}) == len(folders)
    return {folder: folder.name if are_distinct else str(folder) for folder in folders}


def _configuration(
    key: Key, group: Sequence[Run], settings: Mapping[Key, Settings], file: BenchmarkFile
) -> Configuration:
    draft = file.drafts.get(key[:2])
    of_file = settings_of_draft(draft) if draft else {}
    alike = [each for other, each in settings.items() if other[:2] == key[:2]]
    options: Defaults = partial(file.options, draft) if draft else no_defaults
    found = differences(settings[key], of_file, alike, options)
    given = {
        path for _, record in group for text in record.run.settings for path in paths_set_by(text)
    }
    explained = all(is_set_by(path, given) for path in found)
    return Configuration(tuple(group), settings[key], found, bool(draft) and not explained)


def paths_set_by(setting: str) -> set[KeyPath]:
    """Return which of a run's settings a setting of the command line sets, by their paths.

    A record that was not written by this program may hold any text, which sets nothing.
    """
    try:
        path = parse_override(setting).path
    except SpecError:
        return set()
    if path[0] in _OF_SOME:
        path = path[_OF_SOME[path[0]] :]
    path = path[:-1] if path[-1:] == (NAME,) else path
    return {(OPTIONS_OF_CELL, *path[1:]), path} if path[:1] == CELL else {path}


def is_set_by(path: KeyPath, given: Collection[KeyPath]) -> bool:
    """Return whether a path, a part of it, or what it is a part of is among those that are set."""
    return any(path[: len(one)] == one or one[: len(path)] == path for one in given)


def common_differences(found: Sequence[Configuration]) -> dict[int, Settings]:
    """Return, by length, what more than half of the runs have and the benchmark does not.

    Nothing where some runs are the benchmark's own, as then labels say what differs from these.
    """
    return {T: _common([one for one in found if one.T == T]) for T in {one.T for one in found}}


def _common(found: Sequence[Configuration]) -> Settings:
    if not all(one.differences for one in found):
        return {}
    count: Counter[tuple[KeyPath, str]] = Counter()
    for one in found:
        count.update({(path, repr(v)): len(one.runs) for path, v in one.differences.items()})
    most = {place for place, runs in count.items() if 2 * runs > count_runs(found)}
    every = ((path, value) for one in found for path, value in one.differences.items())
    return {path: value for path, value in every if (path, repr(value)) in most}


def count_runs(found: Sequence[Configuration]) -> int:
    """Return how many runs configurations have."""
    return sum(len(one.runs) for one in found)


def labels(
    found: Sequence[Configuration],
    common: Mapping[int, Settings] | None = None,
    with_folders: bool = True,
) -> list[str]:
    """Return a label for every configuration of a benchmark; at one length no two are the same.

    ``common`` has what needs no mention at a length. Without their folders, configurations of two
    may have the same label.
    """
    first = [_label(one, (common or {}).get(one.T, {}), with_folders) for one in found]
    places = [(label, one.T, one.folder) for label, one in zip(first, found, strict=True)]
    return [
        label if places.count(place) == 1 else _with_hash(label, one)
        for label, place, one in zip(first, places, found, strict=True)
    ]


def _label(one: Configuration, common: Settings, with_folder: bool) -> str:
    own = {path: v for path, v in one.differences.items() if not _is_shared(path, v, common)}
    # what the others have and this one does not
    own |= {path: one.settings.get(path) for path in common if path not in one.differences}
    folder = [f"{one.folder}/"] if with_folder and one.folder else []
    return _bracketed(one.model, ", ".join([*folder, *label_parts(own)]))


def _is_shared(path: KeyPath, value: object, common: Settings) -> bool:
    return path in common and common[path] == value


def _with_hash(label: str, one: Configuration) -> str:
    """Return a label with digits of the protocol, where no setting tells two apart."""
    return _bracketed(label, str(training_of(one.runs[0][1]))[:_HASH_DIGITS])


def _bracketed(label: str, text: str) -> str:
    model, separator, values = label.partition(GRID_SEPARATOR)
    return f"{model} [{text}]{separator}{values}" if text else label
