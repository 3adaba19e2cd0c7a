"""A command that still takes the former names of its options, and whose flags show no type."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from typer import Context
from typer.core import TyperCommand, TyperGroup, TyperOption


def _without_flag_types(parameters: Iterable[object]) -> None:
    """Take the type that typer shows beside every flag out of the help."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""


class Group(TyperGroup):
    """The program itself."""

    # typer's own annotation is a class that it does not export
    def format_help(self, ctx: Context, formatter: object) -> None:  # type: ignore[override]
        """Write the help."""
        _without_flag_types(self.get_params(ctx))
        super().format_help(ctx, formatter)  # type: ignore[arg-type]


class Command(TyperCommand):
    """One command; ``aliases`` are former names of options, which no help shows."""

    aliases: ClassVar[Mapping[str, str]] = {}

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse arguments in which former names are replaced by today's."""
        return super().parse_args(ctx, [self._renamed(argument) for argument in args])

    def format_help(self, ctx: Context, formatter: object) -> None:  # type: ignore[override]
        """Write the help."""
        _without_flag_types(self.get_params(ctx))
        super().format_help(ctx, formatter)  # type: ignore[arg-type]

    def _renamed(self, argument: str) -> str:
        option, equals, value = argument.partition("=")
        return f"{self.aliases.get(option, option)}{equals}{value}"


class RunCommand(Command):
    """``run``, whose updates were called steps."""

    aliases: ClassVar[Mapping[str, str]] = {
        "--steps": "--updates",
        "--together": "--stacked",
        "--one-by-one": "--no-stacked",
    }


class KernelsCommand(Command):
    """``kernels``, whose time steps were called T."""

    aliases: ClassVar[Mapping[str, str]] = {"--T": "--steps"}
