"""All checks of a user's probe, on the trace of a small network, and what each of them finds."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from torch import Tensor

from urnn_bench.engine.draws import batch_of
from urnn_bench.errors import ComponentError
from urnn_bench.global_state import kept
from urnn_bench.probes._trace import Trace, trace
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components
from urnn_bench.run import module_contract
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.checks import Checks, default_options
from urnn_bench.run.contract_text import call, is_same, kind_of, shape_text, wrong
from urnn_bench.run.network_check import reference_network
from urnn_bench.tasks.base import Task

# what the network is traced on
_TASK, _T, _BATCH, _SEED = "adding", 12, 3, 0
_KIND = "probe"


def check_probe(checks: Checks, components: Components, kind: type[Probe]) -> None:
    """Check a probe; one of certain tasks is built and reads nothing, as there are none here."""
    name = checks.name
    checks.run(module_contract.warn_of_misspelt, _KIND, name, kind, Probe)
    for options in checks.run(default_options, kind.Options):
        for probe in checks.run(raised_by, f"the probe '{name}' cannot be built", kind, options):
            if kind.task_type is object:
                _check_readings(checks, probe, _traced(components))


def _traced(components: Components) -> Trace:
    kind = components.tasks.get(_TASK, Task)
    task = kind(kind.Options.model_validate({"T": _T}))
    model = reference_network(components, task.signature)
    return trace(model, task, batch_of(task, "validation", 0, _BATCH, _SEED))


def _check_readings(checks: Checks, probe: Probe, traced: Trace) -> None:
    name = checks.name
    before = {key: state.clone() for key, state in traced.states.items()}
    with kept(), seeded(_SEED, "probe", name):
        for read in checks.run(call, name, probe.read, traced, kind=_KIND):
            checks.run(_check_form, name, probe, traced, read)
    checks.run(_check_unchanged, name, traced, before)


def _check_form(name: str, probe: Probe, traced: Trace, read: object) -> None:
    """Raise ComponentError unless a reading has curves (T) or numbers () by names that it may."""
    if not isinstance(read, Mapping):
        wanted = "it must return tensors by the names of states, such as {'h': curve}"
        raise wrong(name, "read", kind_of(read), wanted, _KIND)
    for key, value in read.items():
        _check_name(name, probe, traced, key)
        found = f"a tensor of shape {shape_text(value.shape)}" if isinstance(value, Tensor) else ""
        if not found or value.shape not in ((), (_T,)):
            wanted = f"it must be a curve (T), here ({_T},), or a number ()"
            raise wrong(name, "read", f"{found or kind_of(value)} for '{key}'", wanted, _KIND)


def _check_name(name: str, probe: Probe, traced: Trace, key: object) -> None:
    patterns = ("", *traced.states, *probe.names)
    if not isinstance(key, str) or not any(fnmatchcase(key, pattern) for pattern in patterns):
        wanted = "name a state, nothing (''), or one of `names`"
        raise wrong(name, "read", f"a value for {key!r}", wanted, _KIND)


def _check_unchanged(name: str, traced: Trace, before: Mapping[str, Tensor]) -> None:
    if not all(is_same(traced.states[key], state) for key, state in before.items()):
        raise ComponentError(
            f"the probe '{name}': `read` changes the trace, which other probes read; return new "
            "tensors, such as h.abs() for h.abs_()"
        )
