"""Libraries that only some commands need, which are installed with an extra of the package."""

from importlib import import_module

from urnn_bench.errors import UsageError, attempt, first_line


def require(module: str, name: str, needed_by: str, extra: str) -> None:
    """Raise UsageError that names the extra if a library cannot be imported."""
    error = attempt(import_module, module)
    if isinstance(error, Exception):
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == module
        why = "is not installed" if is_missing else f"cannot be imported ({first_line(error)})"
        text = f"{needed_by} needs {name}, which {why}"
        raise UsageError(f"{text}; install it with: pip install 'urnn-bench[{extra}]'") from error
