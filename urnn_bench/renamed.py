"""Former names that files of users still have: each works, and a warning says the new one.

These tables have all of them: of modules and what is in them, of hooks and of arguments.
"""

import ast
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from pathlib import Path

_TYPES = ("Count", "Positive", "Fraction", "Seed", "Seeds")
_FIT = ("RmspropPaper", "Rmsprop", "Adam", "Sgd", "Optimizer", "Clip", "Solved", "Fit")
_LOOP = ("State", "Recurrence", "stacked", "unroll")

# by module: a name that it had, and where that is now
NAMES: Mapping[str, Mapping[str, str]] = {
    "figures._panels": {
        "looked": "figures._readings.probed",
        "over_lengths": "figures._panels.set_length_axis",
        "over_time": "figures._panels.plot_over_time",
    },
    "figures._style": {
        "DIVERGED": "figures._style.DIVERGED_MARK",
        "Look": "figures._looks.ModelStyle",
        "columns": "figures._fitting.legend_columns",
        "label": "figures._style.axis_label",
        "look": "figures._style.style_of",
        "plain": "figures._style.escaped",
        "wide": "figures._style.needs_log_axis",
    },
    "kernels.choose": {"Fused": "kernels.choose.Implementation"},
    "kernels.scan": {
        "ticks": "kernels.time_loop.iterate_states",
        "W": "kernels.time_loop.W_contra",
        **{name: f"kernels.time_loop.{name}" for name in _LOOP},
    },
    "records.results": {"Results": "analysis.results.Results", "load": "analysis.results.load"},
    "spec.schema": {
        "Strict": "spec.types.Config",
        "Named": "spec.types.ComponentSpec",
        **{name: f"spec.types.{name}" for name in _TYPES},
        **{name: f"spec.fit.{name}" for name in _FIT},
        **{name: f"spec.run.{name}" for name in ("Probes", "Run")},
    },
    "streams": {n: f"random_streams.{n}" for n in ("stream_seed", "generator", "seeded")},
    "tasks.base": {
        "DrawnTask": "tasks.base.SyntheticTask",
        "Reals": "tasks.base.Vectors",
    },
    "trace": {name: f"probes._trace.{name}" for name in ("Trace", "trace", "norms")},
}
CELL_HOOKS: Mapping[str, str] = {
    "read": "readout_features",
    "updated": "on_update_end",
    "orthogonal": "orthogonal_parameters",
    "fused": "kernels",
    "counts_steps": "time_varying",
    "asks_host": "host_sync_reason",
}
TASK_HOOKS: Mapping[str, str] = {
    "draw": "sample",
    "summed": "finalise_metrics",
    "continues": "carries_state",
    "memoryless": "baseline_output",
}
# by what is called
ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "Fused": {"obstacle": "unavailable_for", "prepare": "warm_up"},
    "Signature": {"answer": "targets=Targets.EVERY_STEP or Targets.LAST_STEP"},
}

_PACKAGE = __name__.partition(".")[0]
_Uses = dict[str, dict[str, str]]
_uses: ContextVar[_Uses | None] = ContextVar("uses", default=None)
_warned_of: set[tuple[str, str]] = set()


class FormerNameWarning(FutureWarning):
    """A file uses a name that has another one now."""


def former_names(module: str) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a module of this package that had other names."""
    short = module.removeprefix(f"{_PACKAGE}.")
    names = NAMES[short]

    def find(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        where, _, new = names[name].rpartition(".")
        moved = where != short
        note_former_name(
            f"{module}.{name}" if moved else name, f"{_PACKAGE}.{where}.{new}" if moved else new
        )
        found = getattr(import_module(f"{_PACKAGE}.{where}"), new)
        return _with_former_arguments(found, ARGUMENTS[name]) if name in ARGUMENTS else found

    return find


def accept_former_hooks(component: type, renamed: Mapping[str, str]) -> None:
    """Give a class that defines a former hook the new one; raise TypeError if it defines both.

    Where one of its bases has the new hook alone, ``super()`` finds it by the former name too.
    """
    for old, new in renamed.items():
        own, bases = vars(component), component.__mro__[1:]
        if old in own and any(new in vars(base) for base in bases):
            if own.get(new, own[old]) is not own[old]:
                text = f"{component.__name__} defines {new} and also {old}, its former name"
                raise TypeError(f"{text}; keep {new} alone")
            setattr(component, new, own[old])
            note_former_name(old, new)
        if _uses_former(component, old):
            for kind in component.__mro__:
                if new in vars(kind) and old not in vars(kind):
                    setattr(kind, old, _FormerHook(old, new, kind))


class _FormerHook:
    """A class's own hook by its former name, for classes that use that name and their bases.

    Others have no such attribute: their networks may have a parameter of that name.
    """

    def __init__(self, old: str, new: str, owner: type) -> None:
        self._old, self._new, self._owner = old, new, owner

    def __get__(self, instance: object, kind: type) -> object:
        if not _uses_former(kind, self._old):
            raise AttributeError(f"'{kind.__name__}' has no attribute '{self._old}'")
        value = vars(self._owner)[self._new]
        return value.__get__(instance, kind) if hasattr(value, "__get__") else value


def _uses_former(component: type, old: str) -> bool:
    """Return whether a class, or one of its bases, defines a hook by its former name."""
    found = (vars(kind).get(old) for kind in component.__mro__)
    return any(hook is not None and not isinstance(hook, _FormerHook) for hook in found)


def _with_former_arguments(function: object, renamed: Mapping[str, str]) -> Callable[..., object]:
    assert callable(function)

    @wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        return function(*args, **{renamed.get(key, key): value for key, value in kwargs.items()})

    return call


def note_former_name(old: str, new: str) -> None:
    """Warn that the user's file that is running uses a former name, once for each file."""
    file, uses = _user_file(), _uses.get()
    if uses is not None:
        uses.setdefault(file, {})[old] = new
    else:
        _warn(file, {old: new})


@contextmanager
def one_warning_each() -> Iterator[None]:
    """Let a block that imports users' files warn of all former names of a file at once."""
    uses: _Uses = {}
    token = _uses.set(uses)
    try:
        yield
    finally:
        _uses.reset(token)
    for file, names in uses.items():
        _warn(file, names | _former_arguments(Path(file)))


def _former_arguments(path: Path) -> dict[str, str]:
    """Return the former names of arguments in a file, which are seen only when it runs."""
    if not path.is_file():
        return {}
    calls = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))
    found = ((ARGUMENTS.get(_name(call.func), {}), call.keywords) for call in calls)
    given = ((renamed, str(keyword.arg)) for renamed, keywords in found for keyword in keywords)
    return {name: renamed[name] for renamed, name in given if name in renamed}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _warn(file: str, names: Mapping[str, str]) -> None:
    fresh = {old: new for old, new in names.items() if (file, old) not in _warned_of}
    _warned_of.update((file, old) for old in fresh)
    if fresh:
        text = ", ".join(f"{old} is now {new}" for old, new in fresh.items())
        warnings.warn(f"{file}: has former names: {text}", FormerNameWarning, stacklevel=2)


def _user_file() -> str:
    """Return the file of the innermost code that is not of this package."""
    frame = sys._getframe(1)
    while frame.f_back and _is_ours(str(frame.f_globals.get("__name__"))):
        frame = frame.f_back
    return frame.f_code.co_filename


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in (_PACKAGE, "importlib", "_frozen_importlib", "abc")
