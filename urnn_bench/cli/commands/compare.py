"""``urnn-bench compare``: is one model, or one state of the code, better on the same seeds?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.cli.display.comparisons import Names, json_row, sentences, show
from urnn_bench.cli.display.output import echo_err, echo_json
from urnn_bench.cli.gate import TOLERANCE, check, json_gate, notes
from urnn_bench.cli.missing_runs import SideOf, descriptions, json_missing
from urnn_bench.cli.options import compare as options
from urnn_bench.cli.options.filters import All, Models, Wheres
from urnn_bench.cli.options.shared import Json, Lengths, Results
from urnn_bench.cli.sources import Request, filters_of, selected_runs
from urnn_bench.errors import NothingToShowError, UnknownNameError, UsageError, closest
from urnn_bench.files import folders_beside
from urnn_bench.spec.labels import names_of, natural
from urnn_bench.spec.notation import shown_name

if TYPE_CHECKING:
    from urnn_bench.analysis.compare import Row
    from urnn_bench.analysis.gate import Judged
    from urnn_bench.analysis.missing import Missing
    from urnn_bench.records.record import Record

    _Records = tuple[Sequence[Record], Sequence[Record]]

_SIDE = "recorded model or results folder"


def compare(
    a: options.A,
    b: options.B,
    benchmark: options.Benchmark = None,
    lengths: Lengths = None,
    models: Models = None,
    where: Wheres = None,
    show_all: All = False,
    results: Results = None,
    gate: options.Gate = False,
    tolerance: options.Tolerance = None,
    json: Json = False,
) -> None:
    """Compare two models, or a model's runs in two folders, seed by seed on the same data."""
    from urnn_bench.analysis import compare as analysis

    if tolerance is not None and not gate:
        raise UsageError("--tolerance says how much worse a gate lets B be; give --gate too")
    filters = filters_of(lengths, models, where, show_all)
    sides, names = _sides(a, b, Request(benchmark, (results,) if results else (), filters))
    records = sides[0].records, sides[1].records
    missing = _missing(records, sides, names.are_folders)
    _report_missing(missing)
    rows = analysis.compare(*records, names.are_folders)
    judged = _judged(rows, tolerance or TOLERANCE) if gate else None
    lacks = [each for part, side in missing for each in json_missing(part, side)]
    if json:
        echo_json([json_row(row) for row in rows] if judged is None else json_gate(judged, lacks))
    else:
        _show(rows, judged, names)
    if judged is not None:
        echo_err(check(judged, names, is_complete=not lacks))


def _sides(a: str, b: str, request: Request) -> tuple[tuple[SideOf, SideOf], Names]:
    """Return what is compared, and how it is called: two folders, or two models of one."""
    if Path(a).is_dir() and Path(b).is_dir():
        _check_folders_differ(a, b)
        of_both = replace(request, results=(Path(a), Path(b)), with_folders=False)
        of_a, of_b = _of_folders(of_both)
        return (SideOf(a, Path(a), of_a), SideOf(b, Path(b), of_b)), Names(a, b, True)
    of_a, of_b = _of_models(a, b, request)
    results = next(iter(request.results), None)
    return (SideOf(a, results, of_a, a), SideOf(b, results, of_b, b)), Names(a, b, False)


def _report_missing(missing: "Sequence[tuple[list[Missing], SideOf]]") -> None:
    for part, side in missing:
        for sentence in descriptions(part, side):
            echo_err(sentence)


def _show(rows: "list[Row]", judged: "Judged | None", names: Names) -> None:
    show(rows)
    for sentence in _sentences(rows, judged, names):
        echo_err(sentence)


def _sentences(rows: "list[Row]", judged: "Judged | None", names: Names) -> list[str]:
    """Return what a table says in words; the error of a gate says where B is worse."""
    if judged is None:
        return sentences(rows, names)
    return [*sentences(rows, names, is_gate=True), *notes(judged, names)]


def _check_folders_differ(a: str, b: str) -> None:
    if Path(a).resolve() == Path(b).resolve():
        raise UsageError(f"A and B are the same folder, '{a}'; give two folders, or two models")


def _missing(
    records: "_Records", sides: tuple[SideOf, SideOf], are_folders: bool
) -> "list[tuple[list[Missing], SideOf]]":
    """Return what either side lacks."""
    from urnn_bench.analysis.missing import missing

    found = missing(*records, are_folders)
    named = zip(("A", "B"), sides, strict=True)
    return [([part for part in found if part.side == name], side) for name, side in named]


def _judged(rows: "list[Row]", tolerance: float) -> "Judged":
    from urnn_bench.analysis.gate import judge

    return judge(rows, tolerance)


def _of_folders(request: Request) -> "_Records":
    """Return the runs of two folders, labelled alike."""
    from urnn_bench.analysis.sides import alike

    runs = [
        (folder, record)
        for shown in selected_runs(request)
        for folder, record in zip(shown.folders, shown.records, strict=True)
    ]
    first, second = (
        [record for folder, record in runs if results in folder.parents]
        for results in request.folders
    )
    return alike(first, second)


def _of_models(a: str, b: str, request: Request) -> "tuple[list[Record], list[Record]]":
    """Return the runs of two models; a name beside that of a folder is the one to be mended."""
    strangers = [name for name in (a, b) if not Path(name).is_dir()]
    try:
        loaded = _load(request)
    except NothingToShowError:
        # two unknown names may be models that are still to be trained
        if len(strangers) == 1:
            raise _unknown(strangers[0], set()) from None
        raise
    for name in strangers:
        _of_model(loaded, name)
    return _of_model(loaded, a), _of_model(loaded, b)


def _of_model(loaded: "Sequence[Record]", name: str) -> "list[Record]":
    """Return the runs of a model; a name is its label, or that of its only configuration.

    In every benchmark by itself, as a model's settings may be the file's in one of them alone.
    """
    by_benchmark: dict[str, list[Record]] = {}
    for record in loaded:
        by_benchmark.setdefault(record.run.benchmark, []).append(record)
    found = [record for runs in by_benchmark.values() for record in _named(runs, name)]
    if not found:
        raise _unknown(name, {record.run.label for record in loaded})
    return found


def _named(runs: "Sequence[Record]", name: str) -> "list[Record]":
    """Return the runs of one benchmark that a name means; none if it means nothing there."""
    labels = {record.run.label for record in runs}
    meant = {name} & labels or {label for label in labels if name in names_of(label)}
    if len(meant) > 1:
        choices = ", ".join(f"'{label}'" for label in sorted(meant, key=natural))
        raise UsageError(f"'{name}' was trained with several settings; give one of {choices}")
    return [record for record in runs if record.run.label in meant]


def _unknown(name: str, labels: set[str]) -> UsageError:
    """Return the error of a name that is no recorded model and no folder."""
    if Path(name).is_file():
        return UsageError(f"'{shown_name(name)}' is a file, not a {_SIDE}")
    # not listed, but offered if near
    near = closest(name, folders_beside(Path(name)))
    known = {*labels, near} if near else labels
    if known:
        return UnknownNameError(_SIDE, name, known)
    return UsageError(f"no {_SIDE} is called '{shown_name(name)}'; there is no such folder")


def _load(request: Request) -> "list[Record]":
    """Return the runs of a folder with the labels that a table gives them."""
    return [record for shown in selected_runs(request) for record in shown.records]
