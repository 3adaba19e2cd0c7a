"""What a search depends on, kept beside its trials: one that has changed is another search."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from urnn_bench.errors import DamagedRecordError, RecordsError
from urnn_bench.files import read_bytes, write_atomically
from urnn_bench.records.lock import locked
from urnn_bench.records.refused import refused
from urnn_bench.search.plan import Plan
from urnn_bench.spec.search import outermost_points

NAME = "search.json"
_FOLDER = "search"
_LIMIT_MB = 4.0
# what does not change the result of a run, and what an axis sets
_NOT_SETTING = {"benchmark", "label", "seed", "settings", "probes"}
_LONGEST = 60
_Flat = dict[str, object]


def folder_of(plan: Plan, sampler: str, seed: int) -> Path:
    """Return the folder of a search: results/<benchmark>/search/<model>-T<T>-<sampler>-<seed>."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in plan.model)
    name = f"{safe}-T{plan.T}-{sampler}-{seed}"
    return plan.results / plan.checked.name / _FOLDER / name


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Raise RecordsError if another process is at work on a search."""
    with locked(folder) as is_free:
        if not is_free:
            text = "another process is at work on this search; wait for it, or give another --seed"
            raise RecordsError(f"{folder}: {text}")
        yield


def require_same(plan: Plan, folder: Path) -> None:
    """Write the setting of a new search; raise RecordsError if that of an old one has changed."""
    path, now = folder / NAME, _setting(plan)
    before = _read(path)
    if before is None:
        text = json.dumps(now, indent=1, allow_nan=False)
        with refused(folder, "cannot be written to"):
            write_atomically(path, lambda file: file.write(text.encode() + b"\n"))
        return
    changed = [key for key in {**before, **now} if before.get(key, _GONE) != now.get(key, _GONE)]
    if changed:
        was, is_now = (_shown(flat, changed[0]) for flat in (before, now))
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise RecordsError(
            f"{path}: '{changed[0]}' was {was} when this search began and is {is_now} now{more}; "
            "give another --seed, or another folder with --results"
        )


_GONE = object()


def _setting(plan: Plan) -> _Flat:
    """Return all that a search depends on, by dotted keys; the section 'search' comes first."""
    search = plan.search.model_dump(mode="json", exclude={"model", "trials"})
    space = {
        f"search.space.{name}": _without_defaults(axis)
        for name, axis in search.pop("space").items()
    }
    _, values = next(outermost_points(plan.search.space))
    run = plan.runs(values)[0].model_dump(mode="json", exclude=_NOT_SETTING)
    flat = {**space, **{f"search.{key}": value for key, value in search.items()}, **_flat(run)}
    # as they are read again
    same: _Flat = json.loads(json.dumps(flat))
    return same


def _without_defaults(axis: Mapping[str, object]) -> _Flat:
    return {key: value for key, value in axis.items() if value not in (None, False, {})}


def _flat(value: object, prefix: str = "") -> _Flat:
    if not isinstance(value, Mapping) or not value:
        return {prefix: value}
    flat: _Flat = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _shown(flat: _Flat, key: str) -> str:
    if key not in flat:
        return "not there"
    text = json.dumps(flat[key], ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _read(path: Path) -> _Flat | None:
    try:
        value = json.loads(read_bytes(path, _LIMIT_MB))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        text = f"{path}: cannot be read ({error}); bring back a copy, or give another --seed"
        raise DamagedRecordError(text) from error
    if not isinstance(value, dict):
        raise DamagedRecordError(f"{path}: is no setting of a search; give another --seed")
    return value
