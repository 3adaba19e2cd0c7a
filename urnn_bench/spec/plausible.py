"""Values that are valid one by one, and that make a run meaningless without a word.

They are looked for in benchmarks only: what was recorded can still be read. A run that visibly
diverges is not refused, whatever its learning rate.
"""

import struct
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf

from urnn_bench.errors import SpecError
from urnn_bench.spec.explain import Where
from urnn_bench.spec.fit import Fit, Solved
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.notation import shown
from urnn_bench.spec.run import Probes, Run

# the smallest and the largest number at full precision
_RANGES = {
    "float32": (2.0**-126, (2 - 2.0**-23) * 2.0**127),
    "float64": (sys.float_info.min, sys.float_info.max),
}
_EPSILONS = {"float32": 2.0**-23, "float64": sys.float_info.epsilon}
# four months if each takes a millisecond
_MOST_UPDATES = 10_000_000_000


def check_fit(fit: Fit, where: Where) -> None:
    """Raise SpecError for a number that is another one in the run's arithmetic, or that has no use.

    The bound of ``solved`` is not among them, as scores are compared in Python.
    """
    if fit.steps > _MOST_UPDATES:
        raise SpecError(f"{where(('steps',))}must be at most {_MOST_UPDATES:,}, not {fit.steps}")
    check_numbers(fit.model_dump(exclude={"solved"}), fit.dtype, where)
    decay = getattr(fit.optimizer, "weight_decay", 0.0)
    lr = max(fit.optimizer.lr, fit.orthogonal_lr or 0.0)
    _check_weight_decay(decay, lr, where, ("optimizer", "weight_decay"))
    own = fit.recurrent
    if own is not None:
        decay = decay if own.weight_decay is None else own.weight_decay
        _check_weight_decay(decay, own.lr or lr, where, ("recurrent", "weight_decay"))


def _check_weight_decay(decay: float, lr: float, where: Where, path: tuple[str, ...]) -> None:
    """Refuse a decay that takes away more than a weight, so that its sign changes every time.

    Adam and RMSprop divide it by its own size; then nothing of the loss is left beside it.
    """
    if decay * lr >= 1:
        raise SpecError(
            f"{where(path)}must be below 1 / lr, which is {1 / lr:g}, not "
            f"{shown(decay)}, as an update would take away more than the whole weight"
        )


def check_numbers(options: Mapping[str, object], dtype: str, where: Where) -> None:
    """Raise SpecError for an option that is infinite, or 0, or 1 in the run's arithmetic only."""
    smallest, largest = _RANGES[dtype]
    for path, value in _floats(options, ()):
        fault = ""
        if abs(value) > largest:
            fault = f"is infinite in {dtype}; the largest number is {largest:.3g}"
        elif 0 < abs(value) < smallest:
            fault = f"is as good as 0 in {dtype}; the smallest number is {smallest:.3g}"
        elif value < 1 and _rounded(value, dtype) == 1:
            fault = f"is 1 in {dtype}"
        elif path[-1] == "eps" and value * _EPSILONS[dtype] >= 1:
            fault = f"is so large that nothing counts that it is added to, in {dtype}"
        if fault:
            raise SpecError(f"{where(path)}{shown(value)} {fault}")


def _floats(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, float]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _floats(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _floats(item, (*path, str(index)))
    elif isinstance(value, float):
        yield path, value


def _rounded(value: float, dtype: str) -> float:
    """Return the number of a type that is nearest to one within its range."""
    if dtype == "float64":
        return value
    nearest: float = struct.unpack("f", struct.pack("f", value))[0]
    return nearest


def check_solved(solved: Solved, ends: Mapping[str, tuple[float, float]], where: Where) -> None:
    """Raise SpecError for a bound that no score meets, or that every score meets.

    ``ends`` has the lowest and the highest score of metrics; a metric that it lacks has neither.
    """
    lowest, highest = ends.get(solved.metric, (-inf, inf))
    below, above = solved.below, solved.above
    if below is not None and not lowest < below <= highest:
        key, bound, every = "below", below, below > highest
    elif above is not None and not lowest <= above < highest:
        key, bound, every = "above", above, above < lowest
    else:
        return
    which = "every" if every else "no"
    scores = f"it is between {lowest:g} and {highest:g}"
    text = f"{which} '{solved.metric}' is {key} {shown(bound)}; {scores}"
    raise SpecError(where((key,)) + text)


def check_probes(probes: Probes, where: Where) -> None:
    """Raise SpecError for probes that are never due, or an update or a probe that is repeated."""
    if not probes.at and probes.every is None:
        raise SpecError(f"{where(('at',))}no update is probed; list some, or give 'every'")
    for key, values in {"at": probes.at, "read": [probe.name for probe in probes.read]}.items():
        if twice := [value for value, count in Counter[object](values).items() if count > 1]:
            raise SpecError(f"{where((key,))}{shown(twice[0])} is given twice")


def warn_of_late_probes(runs: Sequence[Run], where: Where) -> None:
    """Warn if a benchmark asks for probes after the last update of all its runs."""
    longest = max((run.updates for run in runs), default=0)
    probes = next((run.probes for run in runs if run.probes), None)
    if probes is None:
        return
    # the default updates are not a request
    at = probes.at if "at" in probes.model_fields_set else ()
    requested = {"at": max(at, default=0), "every": probes.every or 0}
    for key, update in requested.items():
        if update > longest:
            place = where(("probes", key))
            warnings.warn(
                f"{place}{update} is after the last update of every run, {longest}", stacklevel=2
            )
