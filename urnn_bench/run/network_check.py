"""All checks of a user's cell or readout, in a small network, and what each of them finds.

T steps, B batch, F input features.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.global_state import kept
from urnn_bench.kernels.time_loop import Drive
from urnn_bench.models import SequenceModel
from urnn_bench.random_streams import seeded
from urnn_bench.readouts.base import Readout, SolvedReadout
from urnn_bench.registry import Components
from urnn_bench.run import contract, module_contract, precision_contract, update_contract
from urnn_bench.run.architecture import Architecture, Layers, Part
from urnn_bench.run.checks import Checks, default_options
from urnn_bench.run.contract_text import call
from urnn_bench.run.readout_contract import check_output
from urnn_bench.tasks.base import Signature, Targets, Vectors

# what the other part of the network is
_CELL, _READOUT = "rnn", "linear"
_BATCH, _OUTPUTS, _EXAMPLES = 4, 3, 20
_INPUTS, _WIDTH = 3, 8
_SEED = 0
Network = Callable[[int], SequenceModel]


class _Size(NamedTuple):
    """Inputs, width and steps of a network."""

    inputs: int = _INPUTS
    hidden: int = _WIDTH
    steps: int = contract.STEPS


def check_cell(checks: Checks, components: Components, kind: type[Cell]) -> None:
    """Check a cell in a network with a linear readout."""
    checks.run(module_contract.warn_of_misspelt, "cell", checks.name, kind, Cell)
    readout = Part(_READOUT, components.readouts.get(_READOUT, Readout), "{}")
    for options in checks.run(default_options, kind.Options):
        for size in checks.run(_size, checks.name, kind):
            part = Part(checks.name, kind, options.model_dump_json())
            network = partial(_network, part, readout, size)
            for model in checks.run(network, _SEED):
                x = _inputs(model.cell, size)
                _check_parts(checks, model, network)
                before = len(checks.faults)
                _check_forms(checks, model, x)
                # another would be told again
                if len(checks.faults) == before:
                    _check_update(checks, network, x)


def check_readout(checks: Checks, components: Components, kind: type[Readout]) -> None:
    """Check a readout in a network with a cell of this package."""
    checks.run(module_contract.warn_of_misspelt, "readout", checks.name, kind, Readout)
    cell, size = Part(_CELL, components.cells.get(_CELL, Cell), "{}"), _Size()
    for options in checks.run(default_options, kind.Options):
        readout = Part(checks.name, kind, options.model_dump_json())
        network = partial(_network, cell, readout, size)
        for model in checks.run(network, _SEED):
            x = _inputs(model.cell, size)
            for check in (module_contract.check_attributes, module_contract.warn_of_types):
                checks.run(check, "readout", checks.name, model.readout)
            checks.run(contract.check_network, _CELL, checks.name, model.float(), x)
            again = partial(network, _SEED)
            checks.run(precision_contract.check_float64, _CELL, checks.name, again, x)
            _check_fit(checks, network, x)


def _size(name: str, kind: type[Cell]) -> _Size:
    """Return a size at which a cell can be built."""
    own = call(name, kind.example)
    return _Size(own.inputs or _INPUTS, own.hidden or _WIDTH, own.steps or contract.STEPS)


def reference_network(components: Components, form: Signature) -> SequenceModel:
    """Return a small network of this package's for a task's inputs and outputs."""
    cell = Part(_CELL, components.cells.get(_CELL, Cell), "{}")
    readout = Part(_READOUT, components.readouts.get(_READOUT, Readout), "{}")
    return _built(Architecture(cell, Layers(), readout, None, form), _WIDTH, _SEED)


def _network(cell: Part[Cell], readout: Part[Readout], size: _Size, seed: int) -> SequenceModel:
    form = Signature(Vectors(size.inputs), _OUTPUTS, Targets.LAST_STEP)
    return _built(Architecture(cell, Layers(), readout, None, form), size.hidden, seed)


def _built(architecture: Architecture, hidden: int, seed: int) -> SequenceModel:
    with kept(), seeded(seed, "init"):
        return architecture.network(hidden, "cpu", "eager")


def _inputs(cell: Cell, size: _Size) -> Tensor:
    """Return inputs (T, B, F); times increase where the first of them is one."""
    with seeded(_SEED, "contract"):
        x = torch.randn(max(contract.STEPS, size.steps), _BATCH, size.inputs)
    if cell.first_input_is_time:
        x[..., 0] = torch.arange(1.0, len(x) + 1).unsqueeze(-1)
    return x


def _check_parts(checks: Checks, model: SequenceModel, network: Network) -> None:
    """Check what a cell keeps, and that its seed alone decides how it starts."""
    name = checks.name
    checks.run(contract.check_kept, name, model)
    checks.run(module_contract.check_attributes, "cell", name, model.cell)
    checks.run(module_contract.warn_of_types, "cell", name, model.cell)
    checks.run(lambda: contract.check_same_start(name, model, network(_SEED)))
    warn = update_contract.warn_of_fixed_seed
    checks.run(lambda: warn(name, network(_SEED), network(_SEED + 1)))


def _check_forms(checks: Checks, model: SequenceModel, x: Tensor) -> None:
    """Check what every method returns, in float32 and then in float64."""
    for dtype in (torch.float32, torch.float64):
        with kept(), seeded(_SEED, "contract", "steps"):
            _check_methods(checks, model.to(dtype), x.to(dtype)[: contract.STEPS])


def _check_methods(checks: Checks, model: SequenceModel, x: Tensor) -> None:
    name, cell = checks.name, model.cell
    checks.run(contract.check_flops, name, cell)
    firsts = checks.run(contract.check_first_state, name, model, _BATCH)
    for weights in checks.run(call, name, cell.weights):
        for drive in checks.run(contract.check_drive, name, cell, x, weights):
            for first in firsts:
                _check_steps(checks, model, drive, first, weights)


def _check_steps(
    checks: Checks, model: SequenceModel, drive: Drive, first: tuple[Tensor, ...], weights: object
) -> None:
    name = checks.name
    for states in checks.run(contract.check_steps, name, model.cell, drive, first, weights):
        for _ in checks.run(contract.check_features, name, model, states[-1][0]):
            checks.run(check_output, _READOUT, model, states)


def _check_update(checks: Checks, network: Network, x: Tensor) -> None:
    """Check that a cell computes the same again, and what an update trains and leaves."""
    # as a run converts it
    name, model = checks.name, network(_SEED).float()

    def output_of(one: SequenceModel) -> Tensor:
        with seeded(_SEED, "contract", "steps"):
            return contract.check_network(name, _READOUT, one, x)

    with kept():
        compute = partial(output_of, model)
        for output in checks.run(update_contract.check_repeatable, name, model, compute):
            output.square().sum().backward()  # type: ignore[no-untyped-call]
            checks.run(module_contract.warn_of_no_gradient, "cell", name, model.cell)
            anew = network(_SEED + 1).float()
            checks.run(update_contract.check_update, name, model, anew, output_of)


def _check_fit(checks: Checks, network: Network, x: Tensor) -> None:
    """Check that a readout is trained, or solved if that is what it does instead."""
    if checks.faults:
        return
    model = network(_SEED).float()
    readout = model.readout
    with kept(), seeded(_SEED, "contract", "steps"):
        if isinstance(readout, SolvedReadout):
            _check_solved(checks, readout)
            return
        output = contract.check_network(_CELL, checks.name, model, x)
        output.square().sum().backward()  # type: ignore[no-untyped-call]
        warn = module_contract.warn_of_no_gradient
        checks.run(warn, "readout", checks.name, model.readout)


def _check_solved(checks: Checks, readout: SolvedReadout) -> None:
    """Check that a readout can be solved of a few examples."""
    sizes = readout.features, _OUTPUTS
    features, targets = (torch.randn(_EXAMPLES, size, dtype=torch.float64) for size in sizes)
    solve, examples = readout.double().solve, [(features, targets)]
    checks.run(lambda: call(checks.name, solve, examples, examples, kind="readout"))
