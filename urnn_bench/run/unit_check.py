"""All checks of a user's unit, on maps of a small image, and what each of them finds."""

from typing import Any

import torch
from torch import Tensor

from urnn_bench.cells.units.base import Unit
from urnn_bench.errors import ComponentError
from urnn_bench.global_state import kept
from urnn_bench.kernels.time_loop import State
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components
from urnn_bench.run import contract, module_contract
from urnn_bench.run.architecture import raised_by
from urnn_bench.run.checks import Checks, default_options
from urnn_bench.run.contract_text import call, is_same
from urnn_bench.run.precision_contract import in_float64
from urnn_bench.spec.types import Config

# batch, channels, rows and columns
_MAPS, _KERNEL_SIZE, _SEED = (2, 4, 6, 6), 3, 0
_KIND = "unit"


def check_unit(checks: Checks, _: Components, kind: type[Unit[Any]]) -> None:
    """Check a unit of a few channels."""
    name = checks.name
    checks.run(module_contract.warn_of_misspelt, _KIND, name, kind, Unit)
    for options in checks.run(default_options, kind.Options):
        text = f"the unit '{name}' cannot be built"
        for unit in checks.run(raised_by, text, _built, kind, options):
            checks.run(module_contract.check_attributes, _KIND, name, unit)
            checks.run(module_contract.warn_of_types, _KIND, name, unit)
            with kept():
                _check_steps(checks, unit.float())


def _built(kind: type[Unit[Any]], options: Config) -> Unit[Any]:
    with kept(), seeded(_SEED, "init"):
        return kind(_MAPS[1], _KERNEL_SIZE, options)


def _check_steps(checks: Checks, unit: Unit[Any]) -> None:
    name = checks.name
    for states in checks.run(_steps, name, unit, torch.float32):
        checks.run(_check_repeatable, name, unit, states)
        loss = sum(state.abs().square().sum() for state in states)
        checks.run(torch.Tensor.backward, torch.as_tensor(loss))
        checks.run(module_contract.warn_of_no_gradient, _KIND, name, unit)
    checks.run(_check_float64, name, unit)


def _check_float64(name: str, unit: Unit[Any]) -> None:
    try:
        _steps(name, unit.double(), torch.float64)
    except ComponentError as error:
        raise in_float64(error) from error.__cause__


def _check_repeatable(name: str, unit: Unit[Any], states: State) -> None:
    """Raise ComponentError unless the same steps give the same states."""
    if not all(map(is_same, states, _steps(name, unit, torch.float32))):
        raise ComponentError(
            f"the unit '{name}' returns something else for the same arguments; draw from the "
            "generators of torch, numpy.random or random, and keep what changes in a state"
        )


def _steps(name: str, unit: Unit[Any], dtype: torch.dtype) -> State:
    """Return the states after two steps; raise ComponentError if one has the wrong form."""
    with seeded(_SEED, "contract", "steps"):
        x = torch.randn(_MAPS, dtype=dtype)
        first: tuple[Tensor, ...] = (x.new_zeros(_MAPS),) * len(unit.state_names)
        weights, state = call(name, unit.weights, kind=_KIND), first
        for _ in range(contract.STEPS):
            arguments = {"map": x, "state": state, "weights": weights}
            values = contract.copied(arguments)
            returned = call(name, unit.step, x, state, weights, kind=_KIND)
            state = contract.state_of(name, "step", returned, len(x), _KIND)
            contract.require_same_form(name, first, state, _KIND, "it was given")
            contract.require_precision(name, "step", state, dtype, _KIND)
            contract.require_unchanged(name, arguments, values, _KIND)
    return state
