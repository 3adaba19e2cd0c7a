"""A command that takes former names of its options, and no option of one value twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

from typer import BadParameter, Context
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command_from_info
from typer.models import CommandInfo

from urnn_bench.errors import UnknownNameError, UsageError
from urnn_bench.text import message

# the base of typer's errors of usage, which it does not export
_TyperError: type[BadParameter] = BadParameter.__mro__[2]


@contextmanager
def _on_one_line() -> Iterator[None]:
    """Make what an error of usage quotes safe for a terminal, before typer shows it."""
    try:
        yield
    except _TyperError as error:
        error.message = message(error.message)
        raise


def _without_flag_types(parameters: Iterable[object]) -> None:
    """Take the type that typer shows beside every flag out of the help."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""


class Command(TyperCommand):
    """One command; ``aliases`` are former names of options, which no help shows."""

    aliases: ClassVar[Mapping[str, str]] = {}

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse arguments in which former names are replaced by today's.

        Raises UsageError for an option of one value that is given twice.
        """
        renamed = [self._renamed(argument) for argument in args]
        try:
            self._require_once(ctx, renamed)
            return super().parse_args(ctx, renamed)
        except BadParameter as error:
            # typer reads an enum by pydantic, whose words these are
            error.message = error.message.removeprefix("Value error, ")
            raise

    def invoke(self, ctx: Context) -> object:  # type: ignore[override]
        """Run the command; of a name of another kind, say what it is and where it belongs."""
        try:
            return super().invoke(ctx)
        except UnknownNameError as error:
            from urnn_bench.cli.names import other_kind

            if sentence := other_kind(error.kind, error.name):
                raise UsageError(f"{error.where}{sentence}") from error
            raise

    def format_help(self, ctx: Context, formatter: object) -> None:  # type: ignore[override]
        """Write the help."""
        _without_flag_types(self.get_params(ctx))
        super().format_help(ctx, formatter)  # type: ignore[arg-type]

    def _require_once(self, ctx: Context, args: list[str]) -> None:
        """Raise UsageError for an option whose first value would silently be lost."""
        _, _, given = self.make_parser(ctx).parse_args([*args])
        for parameter, count in Counter(given).items():
            if count > 1 and isinstance(parameter, TyperOption) and _has_one_value(parameter):
                names = " or ".join(sorted({*parameter.opts, *parameter.secondary_opts}))
                raise UsageError(f"{names} is given {count} times; give it once")

    def _renamed(self, argument: str) -> str:
        option, equals, value = argument.partition("=")
        return f"{self.aliases.get(option, option)}{equals}{value}"


def _has_one_value(option: TyperOption) -> bool:
    """Return whether an option means the last of its values; a plain flag has the same always."""
    is_plain_flag = option.is_flag and not option.secondary_opts
    return not (option.multiple or option.count or is_plain_flag)


@dataclass(frozen=True)
class CommandSpec:
    """Where a command is defined ("module:function" of ``cli.commands``), and its summary."""

    source: str
    summary: str
    cls: type[Command] = Command

    def summary_only(self, name: str) -> TyperCommand:
        """Return a command that can be listed and not run."""
        return self.cls(name, short_help=self.summary, rich_markup_mode="rich")

    def load(self, name: str) -> TyperCommand:
        """Import the command and return it."""
        module, _, function = self.source.partition(":")
        callback = getattr(import_module(f"urnn_bench.cli.commands.{module}"), function or module)
        info = CommandInfo(name, cls=self.cls, callback=callback, short_help=self.summary)
        command: TyperCommand = get_command_from_info(  # type: ignore[assignment]
            info, pretty_exceptions_short=True, rich_markup_mode="rich"
        )
        return command


class Group(TyperGroup):
    """A program whose commands are imported when they run, so that its help is quick."""

    specs: ClassVar[Mapping[str, CommandSpec]] = {}

    def list_commands(self, ctx: Context) -> list[str]:  # type: ignore[override]
        """Return the names of the commands in the order of the help."""
        self.commands = {name: spec.summary_only(name) for name, spec in self.specs.items()}
        return super().list_commands(ctx)

    def get_command(self, ctx: Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        """Return a command; while the help is written, its name and summary only."""
        self.list_commands(ctx)
        spec = self.specs.get(cmd_name)
        if spec is None:
            return None
        return spec.summary_only(cmd_name) if self._is_writing_help else spec.load(cmd_name)

    def loaded(self) -> dict[str, TyperCommand]:
        """Return every command with its arguments and options."""
        return {name: spec.load(name) for name, spec in self.specs.items()}

    def make_context(
        self, info_name: str | None, args: list[str], parent: object = None, **extra: object
    ) -> Context:
        """Parse the program's own options."""
        with _on_one_line():
            return super().make_context(info_name, args, parent, **extra)  # type: ignore[arg-type, return-value]

    def invoke(self, ctx: Context) -> object:  # type: ignore[override]
        """Parse the arguments of a command and run it."""
        with _on_one_line():
            return super().invoke(ctx)

    # typer's own annotation is a class that it does not export
    def format_help(self, ctx: Context, formatter: object) -> None:  # type: ignore[override]
        """Write the help."""
        _without_flag_types(self.get_params(ctx))
        self._is_writing_help = True
        super().format_help(ctx, formatter)  # type: ignore[arg-type]

    _is_writing_help = False


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
