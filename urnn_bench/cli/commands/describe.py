"""``urnn-bench describe``: the source, options and size of a component, benchmark or paper."""

import sys
from typing import Annotated

import typer

from urnn_bench.cli.display.output import echo_block, echo_json
from urnn_bench.cli.display.paragraphs import width_of, wrapped
from urnn_bench.cli.options.completion import complete_name
from urnn_bench.cli.options.shared import Include, Json
from urnn_bench.cli.sources import load_components

_INDENT = 4


def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=complete_name,
            help="A name from 'urnn-bench list'.",
        ),
    ],
    include: Include = None,
    json: Json = False,
) -> None:
    """Describe a benchmark, a component or a paper: source, options, size."""
    from urnn_bench.cli.commands import _descriptions

    descriptions = _descriptions.describe(load_components(include or []), name)
    if json:
        echo_json(descriptions)
        return
    text = "\n\n".join(map(_descriptions.text, descriptions))
    echo_block("\n".join(_wrapped(line) for line in text.split("\n")))


def _wrapped(line: str) -> str:
    """Return a line wrapped at the width of a terminal, indented further than its beginning."""
    width = width_of(sys.stdout)
    if width is None or len(line) <= width:
        return line
    return wrapped(line, width, indent=" " * (len(line) - len(line.lstrip()) + _INDENT))
