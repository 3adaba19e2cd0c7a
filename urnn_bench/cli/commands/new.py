"""``urnn-bench new``: a documented file of one's own to begin with, and the next commands."""

import keyword
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Annotated, NamedTuple

import typer

from urnn_bench.cli.display.output import echo, echo_err
from urnn_bench.cli.options.paths import PathOf
from urnn_bench.errors import UsageError
from urnn_bench.registry import Components, Registry
from urnn_bench.spec import catalogue

_CLASS = "CLASS"


class Kind(StrEnum):
    """What a file can define."""

    cell = "cell"
    task = "task"
    readout = "readout"
    figure = "figure"
    probe = "probe"
    unit = "unit"
    benchmark = "benchmark"
    claim = "claim"


class _Template(NamedTuple):
    """The ending of a file, and the commands that use it, with its name and its path."""

    ending: str
    commands: tuple[str, ...]


_SMOKE = "urnn-bench run smoke --seeds 1 --updates 20"
_CHECK = "urnn-bench check {path}"
_TEMPLATES: Mapping[Kind, _Template] = {
    Kind.cell: _Template(".py", (_CHECK, f"{_SMOKE} --model {{name}} --include {{path}}")),
    Kind.task: _Template(
        ".py",
        (_CHECK, f"{_SMOKE} --model rnn --set task={{name}} --include {{path}}"),
    ),
    Kind.readout: _Template(
        ".py", (_CHECK, f"{_SMOKE} --model rnn --set readout={{name}} --include {{path}}")
    ),
    Kind.figure: _Template(
        ".py",
        (
            _CHECK,
            f"{_SMOKE} --model rnn",
            "urnn-bench plot smoke --figure {name} --include {path}",
        ),
    ),
    Kind.probe: _Template(
        ".py",
        (_CHECK, f"{_SMOKE} --model rnn --probe --set 'probes.read=[{{name}}]' --include {{path}}"),
    ),
    Kind.unit: _Template(
        ".py",
        (
            _CHECK,
            "urnn-bench run smoke --seeds 1 --updates 5 --model convrnn --set task=static_digits "
            "--set hidden=4 --T 4 --set models.convrnn.cell.unit={name} --include {path}",
        ),
    ),
    Kind.benchmark: _Template(".yaml", ("urnn-bench run {path}", "urnn-bench table {path}")),
    Kind.claim: _Template(".yaml", ("urnn-bench verify {path} --run",)),
}

KindArgument = Annotated[
    Kind, typer.Argument(metavar="KIND", help="What to write: " + ", ".join(Kind) + ".")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, as in NAME.py.")]
OutFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=PathOf("--out"),
        metavar="DIR",
        help="Folder of the file.",
        show_default="the working directory",
    ),
]


def new(kind: KindArgument, name: Name, out: OutFolder = None) -> None:
    """Write a small file of your own to begin with, and show the commands that use it."""
    template = _TEMPLATES[kind]
    _require_name(kind, name)
    path = (out or Path()) / f"{name}{template.ending}"
    # as text, since what is in a package and ends in .py is a module
    source = files("urnn_bench").joinpath("templates", f"{kind}{template.ending}.txt")
    text = source.read_text("utf-8")
    _write(path, text.replace(_CLASS, _class_name(name)))
    echo(str(path))
    for command in template.commands:
        echo_err(command.format(name=name, path=quote(str(path))))


def _require_name(kind: Kind, name: str) -> None:
    """Raise UsageError for a name that no module can have, or that a component has."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise UsageError(
            f"'{name}' is no name of a file to import; use letters, digits and underscores, "
            "such as my_cell"
        )
    known = _known(kind)
    if name in known:
        raise UsageError(f"a {kind} is called '{name}' already; choose another name")


def _known(kind: Kind) -> tuple[str, ...]:
    """Return the names that are taken by what this package brings."""
    if kind is Kind.benchmark:
        return tuple(catalogue.names())
    if kind is Kind.claim:
        return tuple(catalogue.claims())
    registry: Registry = getattr(Components(), f"{kind}s")
    return registry.names()


def _class_name(name: str) -> str:
    """Return the name of a class: my_cell is MyCell."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _write(path: Path, text: str) -> None:
    """Write a new file; raise UsageError if there is one already, or it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; choose another name or --out") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
