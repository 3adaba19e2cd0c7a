"""A name that was given as one kind of thing and is another: what it is, and what to type."""

from collections.abc import Callable, Collection, Mapping

from urnn_bench.errors import UsageError
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue

_EXAMPLE = "copy"


def other_kind(kind: str, name: str) -> str:
    """Return that ``name`` is of another kind, and the command that takes it; empty if it is not.

    ``kind`` is what was looked for, such as "benchmark".
    """
    known = _names()
    found = [other for other, names in known.items() if name in names]
    # a name that is of this kind too is only not to be had there
    if not found or kind not in known or kind in found:
        return ""
    proposal = _PROPOSALS.get(found[0], _describe)
    return f"'{name}' is a {found[0]}, not a {kind}; try: urnn-bench {proposal(name)}"


def _names() -> Mapping[str, Collection[str]]:
    """Return the names of every kind that a command takes."""
    registries = vars(Components()).values()
    components = {registry.kind: registry.names() for registry in registries}
    return {"benchmark": catalogue.names(), "paper": catalogue.claims(), **components}


def _run_of_task(task: str) -> str:
    """Return the run of the first benchmark that has a task, or what describes the task."""
    for name in sorted(catalogue.names(), key=lambda name: name.count("/")):
        try:
            written = catalogue.find(name)[1].mapping.get("task")
        except UsageError:
            # another one may be readable
            continue
        if task in (written, written.get("name") if isinstance(written, Mapping) else None):
            return f"run {name}"
    return _describe(task)


def _describe(name: str) -> str:
    return f"describe {name}"


_PROPOSALS: Mapping[str, Callable[[str], str]] = {
    "benchmark": "run {}".format,
    "paper": "verify {}".format,
    "model": f"run {_EXAMPLE} --model {{}}".format,
    "task": _run_of_task,
    "figure": "plot --figure {}".format,
}
