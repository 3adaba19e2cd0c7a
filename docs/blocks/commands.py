"""The command reference, read off the application itself."""

import re
from typing import Any

import typer

from blocks.markdown import table as markdown
from urnn_bench.cli.app import app


def application() -> Any:
    """Return the group of all commands."""
    return typer.main.get_command(app)


def reference() -> str:
    """Return a section for each command: what it does, its arguments and its options."""
    group = application()
    context = group.make_context("urnn-bench", [], resilient_parsing=True)
    return "\n\n".join(_section(c, context) for c in group.loaded().values() if not c.hidden)


def _section(command: Any, parent: Any) -> str:
    context = command.make_context(command.name, [], parent=parent, resilient_parsing=True)
    shown = [p for p in command.get_params(context) if not getattr(p, "hidden", False)]
    lines = [p.get_help_record(context) for p in shown]
    rows = [(f"`{_name(name)}`", _text(text)) for name, text in filter(None, lines)]
    usage = " ".join(["urnn-bench", command.name, *command.collect_usage_pieces(context)])
    help_ = " ".join(command.help.split())
    heading = f"### {command.name}\n\n{help_}\n\n```\n{_name(usage)}\n```"
    return f"{heading}\n\n{markdown(('argument or option', 'what it does'), rows)}"


def _name(text: str) -> str:
    """Write a choice as {a,b}, and leave out types that say nothing."""
    text = re.sub(r"<(?:list\[)?(\w+(?:\|\w+)+)\]?>", lambda m: f"{{{_commas(m[1])}}}", text)
    return re.sub(r" <[^>|]*>", "", text)


def _commas(text: str) -> str:
    return text.replace("|", ",")


def _text(text: str) -> str:
    return " ".join(text.split())
