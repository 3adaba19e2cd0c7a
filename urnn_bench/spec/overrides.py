"""Edits of a benchmark's mapping before it is checked: ``--set``, ``--updates`` and the like."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, takewhile

from urnn_bench.errors import SpecError
from urnn_bench.spec.edits import NAME, write
from urnn_bench.spec.grid import FIT, NETWORK, SIZES, TASK, axis_path, is_below, with_one_size
from urnn_bench.spec.load import Document, KeyPath, parse_value, value_text
from urnn_bench.spec.notation import shown_name, written
from urnn_bench.spec.overlays import GRID, MODELS, STAGES, owners_of, remove_overlays
from urnn_bench.spec.stage_settings import check_stage, name_stages

_DEEPEST = 20


@dataclass(frozen=True)
class Override:
    """One ``PATH=VALUE`` of the command line."""

    path: KeyPath
    value: object

    @property
    def text(self) -> str:
        """The setting as ``PATH=VALUE``, which ``parse_override`` reads."""
        return f"{'.'.join(self.path)}={value_text(self.value)}"

    @property
    def source(self) -> str:
        """The option that sets it, for error messages."""
        return f"--set {'.'.join(map(shown_name, self.path))}={written(self.value)}"


def parse_override(text: str) -> Override:
    """Read ``PATH=VALUE``; raise SpecError if there is no path or the value is not YAML."""
    path, equals, value = text.partition("=")
    keys = tuple(part.strip() for part in path.split("."))
    # an argument that is not UTF-8 arrives with characters that cannot be written
    if not equals or not all(keys) or not path.isprintable() or len(keys) > _DEEPEST:
        raise SpecError(
            f"--set takes PATH=VALUE, such as fit.optimizer.lr=1e-2, not '{shown_name(text)}'"
        )
    if keys[0] == GRID and len(keys) > 1:
        # the key of an axis has dots
        keys = (GRID, ".".join(keys[1:]))
    return Override(keys, parse_value(value))


def apply(document: Document, settings: Sequence[Override], models: Sequence[str] = ()) -> Document:
    """Return the document with every setting written into its mapping, in order.

    A setting of ``fit.…``, ``task.…`` or of the size holds for every run: the same key of a model
    or a length is removed, so that nothing silently overrides the command line. ``models`` are
    those that are trained, all if there is none. Raises SpecError or UnknownNameError for a
    setting that cannot be written.
    """
    mapping = deepcopy(document.mapping)
    lengths = mapping.get("T")
    whole = isinstance(lengths, list) and all(type(length) is int for length in lengths)
    # the same length twice is left for the benchmark to refuse
    if isinstance(lengths, list) and whole and len({*lengths}) == len(lengths):
        mapping["T"] = {length: {} for length in lengths}
    name_stages(mapping)
    for leaf in chain.from_iterable(map(leaves, settings)):
        check_stage(mapping, leaf.path, leaf.value, models)
        remove_overlays(mapping, leaf.path)
        for owner in owners_of(mapping, leaf.path):
            write(owner, leaf.path, leaf.value, leaf.source)
        if STAGES in leaf.path:
            name_stages(mapping)
    return Document(document.source, mapping, document.lines)


def leaves(setting: Override) -> Sequence[Override]:
    """Read ``fit={steps: 5, batch: 2}`` as a setting of each of its keys."""
    if setting.path != (FIT,) or not isinstance(setting.value, dict):
        return [setting]
    return [Override((FIT, str(key)), value) for key, value in setting.value.items()]


def summary(settings: Sequence[Override]) -> tuple[str, ...]:
    """Return the effective settings, those that no later one replaces, sorted by path."""
    flat = list(chain.from_iterable(map(leaves, settings)))
    effective = {
        leaf.path: leaf.text
        for index, leaf in enumerate(flat)
        if not any(_replaces(later.path, leaf.path) for later in flat[index + 1 :])
    }
    return tuple(text for _, text in sorted(effective.items()))


def _replaces(later: KeyPath, earlier: KeyPath) -> bool:
    """Return whether a setting of ``later`` leaves nothing of one of ``earlier``."""
    later, earlier = _one_size(later), _one_size(earlier)
    is_for_all = later == SIZES[:1] or later[0] in (FIT, TASK, STAGES)
    paths = (earlier, *_for_more(earlier)) if is_for_all else (earlier,)
    return any(path[: len(later)] == later for path in paths)


def _one_size(path: KeyPath) -> KeyPath:
    """Return a path in which both ways to give the size are one, as the last one given counts."""
    return (*path[:-1], SIZES[0]) if path[-1] in SIZES else path


def _for_more(path: KeyPath) -> Iterator[KeyPath]:
    """Yield the paths that set for more runs what ``path`` sets for one model, length or stage."""
    inner = path[2:]
    if path[0] == MODELS and inner:
        yield inner
        yield from _for_more(inner)
    # the task of a stage remains its own
    if path[0] == STAGES and inner[:1] == (FIT,):
        yield inner
    if path[0] == GRID and len(path) > 1:
        yield with_one_size(axis_path(path[1]))
    if path[0] == "T":
        yield (FIT, *inner)


def where(document: Document, settings: Sequence[Override], path: KeyPath) -> str:
    """Return the last place that set ``path``: an option of the command line, or the file."""
    known = document.depth(path)
    for setting in reversed(settings):
        shared = _shared_length(setting.path, path)
        is_whole = shared == len(setting.path) or setting.path == (*path, NAME)
        if shared > known or is_whole or _is_written_to_models(setting.path, path):
            return f"{setting.source}: "
    return document.where(path)


def _is_written_to_models(setting: KeyPath, path: KeyPath) -> bool:
    """Return whether a setting of a block, a readout or a stage also set a model's own."""
    has_own = path[:1] == (MODELS,) and path[2:3] in {(key,) for key in (*NETWORK, STAGES)}
    return has_own and len(setting) > 1 and is_below(path[2:], setting)


def _shared_length(path_a: KeyPath, path_b: KeyPath) -> int:
    pairs = zip(path_a, path_b, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Overlay ``over`` on ``base`` key by key; a mapping with a new ``name`` replaces the old."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        old, value = _by_name(old, value), _by_name(value, old)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and _same_name(old, value):
            value = merged(old, value)
        result[key] = value
    return result


def _by_name(value: object, other: object) -> object:
    """Return the name of a component as a mapping if ``other`` is a component's mapping."""
    is_beside_mapping = isinstance(value, str) and isinstance(other, Mapping)
    return {NAME: value} if is_beside_mapping else value


def _same_name(old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    return new.get(NAME, old.get(NAME)) == old.get(NAME)
