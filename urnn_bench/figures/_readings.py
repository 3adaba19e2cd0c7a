"""Which readings of probes a figure shows, and which models it leaves out and why."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from urnn_bench.analysis.results import Results
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._style import escaped
from urnn_bench.spec.labels import natural
from urnn_bench.spec.run import Probes

# of the models that are not shown
_MOST_NAMED = 8


def probed(results: Results, probe: str) -> pd.DataFrame:
    """Return the readings of a probe; raise NothingToShowError with the command that makes them.

    ``position`` counts the states of a model from 0, in the order in which its cell names them.
    """
    readings = results.readings(probe)
    if readings.empty:
        raise NothingToShowError(
            f"no run of '{results.benchmark}' was probed with '{probe}'; "
            f"make some with: {results.command.with_probes(*probe_settings(results, probe))}"
        )
    require_finite(readings["value"], probe, results)
    pairs = readings[["model", "state"]].drop_duplicates()
    pairs = pairs.assign(position=pairs.groupby("model", sort=False).cumcount())
    return readings.merge(pairs, how="left", on=["model", "state"])


def require_finite(values: "pd.Series[float]", name: str, results: Results) -> None:
    """Raise NothingToShowError if no value is finite, which would be an empty drawing."""
    if not np.isfinite(values.astype(float)).any():
        raise NothingToShowError(
            f"no '{name}' that runs of '{results.benchmark}' have recorded is a finite number"
        )


def probe_settings(results: Results, probe: str) -> list[str]:
    """Return the settings with which a benchmark's probes have one that they now lack."""
    schedules = [record.run.probes for record in results.records if record.run.probes]
    read = [named.name for named in (schedules[-1] if schedules else Probes()).read]
    return [] if probe in read else [f"probes.read=[{', '.join([*read, probe])}]"]


def of_states(results: Results, frame: pd.DataFrame, states: Sequence[str] | None) -> pd.DataFrame:
    """Return the readings of some states, by default of the first state of each model.

    Raises NothingToShowError if no model has one of the states.
    """
    is_shown = frame["position"] == 0 if states is None else frame["state"].isin(states)
    if not is_shown.any():
        raise NothingToShowError(no_such_states(results, frame))
    return frame[is_shown]


def no_such_states(results: Results, frame: pd.DataFrame) -> str:
    """Return a sentence that says which states there are."""
    return f"no model of '{results.benchmark}' has such states; there are: {state_names(frame)}"


def state_names(frame: pd.DataFrame) -> str:
    """Return the names of the states of some readings."""
    return ", ".join(map(str, frame["state"].unique()))


def not_shown(results: Results, shown: Iterable[object], reason_of: Callable[[str], str]) -> str:
    """Return which models have runs and are not shown, and why; empty if all are."""
    models = {str(model) for model in results.runs["model"]}
    lacking = sorted(models - {*map(str, shown)}, key=natural)
    named = [escaped(f"{model} ({reason_of(model)})") for model in lacking[:_MOST_NAMED]]
    if more := len(lacking) - len(named):
        named.append(f"and {more} more")
    return f"not shown: {', '.join(named)}" if named else ""


def without_readings(
    results: Results, shown: pd.DataFrame, readings: pd.DataFrame, states: Sequence[str] | None
) -> str:
    """Return which models have runs and none of the readings that are shown, and why."""
    at_length = readings[readings["T"].isin(shown["T"].unique())]

    def reason_of(model: str) -> str:
        own = at_length[at_length["model"] == model]
        if own.empty:
            return "not probed at this length"
        if states is not None and not own["state"].isin(states).any():
            return f"has the states {state_names(own)}"
        return "too few readings"

    return not_shown(results, shown["model"].unique(), reason_of)


def at_last_update(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the readings of every model at the last update at which any of its runs was probed."""
    return frame[frame["step"] == frame.groupby("model")["step"].transform("max")]


def updates_of(frame: pd.DataFrame) -> str:
    """Return the number of updates before the readings, for each model if they differ."""
    steps = {
        model: " or ".join(f"{step:,}" for step in sorted(readings["step"].unique()))
        for model, readings in frame.groupby("model", sort=False)
    }
    if len(set(steps.values())) == 1:
        return next(iter(steps.values()))
    return ", ".join(f"{count} ({escaped(str(model))})" for model, count in steps.items())
