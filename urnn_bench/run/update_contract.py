"""What a cell does when it is called again, and what an update leaves, checked before training.

A result that depends on what was computed before could not be had again: alone, in a stack, and
after a stop it would be another one.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from urnn_bench.errors import ComponentError
from urnn_bench.models import SequenceModel
from urnn_bench.run.contract_text import call, is_same

# far above rounding, as a compiled function may be optimized at its second call
_ROUNDING = 1e-3


def check_repeatable(name: str, model: SequenceModel, compute: Callable[[], Tensor]) -> Tensor:
    """Return the output that ``compute`` returns; raise ComponentError unless it does so twice."""
    parameters = [label for label, _ in model.named_parameters()]
    with _kept_buffers(model):
        first = compute()
        _warn_of_unsaved_buffers(name, model, compute)
    added = [label for label, _ in model.named_parameters() if label not in parameters]
    if added:
        raise ComponentError(
            f"the cell '{name}' makes its parameter '{added[0]}' after `__init__`, so nothing "
            "trains it; make it in `__init__`"
        )
    output = compute()
    if not _are_close(first, output):
        raise ComponentError(
            f"the cell '{name}' returns something else for the same arguments; draw from the "
            "generators of torch, numpy.random or random, and keep what changes in a state"
        )
    return output


def _unsaved_buffers(model: SequenceModel) -> dict[str, Tensor]:
    """Return copies of the buffers that are not in a checkpoint."""
    saved = model.state_dict()
    return {label: b.clone() for label, b in model.named_buffers() if label not in saved}


def _warn_of_unsaved_buffers(
    name: str, model: SequenceModel, compute: Callable[[], Tensor]
) -> None:
    """Warn of a buffer that another computation changes and no checkpoint has."""
    before = _unsaved_buffers(model)
    if not before:
        return
    compute()
    after = _unsaved_buffers(model)
    changed = [label for label in before if not is_same(before[label], after[label])]
    if changed:
        warnings.warn(
            f"the cell '{name}' changes the buffer '{changed[0]}', which no checkpoint has: a "
            "run that is resumed, and the test of the best weights, begin with another; leave "
            "out persistent=False",
            stacklevel=2,
        )


def warn_of_fixed_seed(name: str, model: SequenceModel, of_another_seed: SequenceModel) -> None:
    """Warn if two networks of different seeds have one readout, which is drawn after the cell."""
    pairs = zip(model.readout.parameters(), of_another_seed.readout.parameters(), strict=True)
    # biases and the like start at one value, whatever the seed
    drawn = [(one, two) for one, two in pairs if one.numel() > 1 and one.std() > 0]
    if drawn and all(is_same(one, two) for one, two in drawn):
        warnings.warn(
            f"the cell '{name}' seeds a generator in `__init__`, so all seeds begin with the same "
            "weights; remove that call, as every run seeds the generators",
            stacklevel=2,
        )


def check_update(
    name: str, model: SequenceModel, anew: SequenceModel, compute: Callable[[SequenceModel], Tensor]
) -> None:
    """Check what ``on_update_end`` leaves; ``anew`` is another network of the run.

    Raises ComponentError if it replaces a parameter. Warns if ``anew`` computes something else with
    the same parameters and buffers.
    """
    before = dict(model.named_parameters())
    call(name, model.cell.on_update_end, 1)
    after = dict(model.named_parameters())
    replaced = [label for label in before if before[label] is not after.get(label)]
    if replaced:
        raise ComponentError(
            f"the cell '{name}': `on_update_end` replaces the parameter '{replaced[0]}', so "
            "nothing trains it any more; change its values, such as by copy_ in torch.no_grad()"
        )
    anew.load_state_dict(model.state_dict())
    if not _are_close(compute(anew), compute(model)):
        warnings.warn(
            f"the cell '{name}' keeps what an update changes in no parameter and no buffer: a run "
            "that is resumed, and the test of the best weights, do not have it; use "
            "register_buffer",
            stacklevel=2,
        )


@contextmanager
def _kept_buffers(model: SequenceModel) -> Iterator[None]:
    """Put back the buffers that the block changes, such as running means."""
    values = {label: buffer.clone() for label, buffer in model.named_buffers()}
    yield
    with torch.no_grad():
        for label, buffer in model.named_buffers():
            if label in values:
                buffer.copy_(values[label])


def _are_close(one: Tensor, two: Tensor) -> bool:
    one, two = one.detach(), two.detach()
    finite = one[one.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    return torch.allclose(one, two, rtol=0, atol=_ROUNDING * largest, equal_nan=True)
