"""A float64 copy of a network on the CPU, which a probe may read and the training never notices."""

from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from urnn_bench.models import SequenceModel
from urnn_bench.random_streams import seeded


def twins(model: SequenceModel) -> Iterator[Callable[[], SequenceModel]]:
    """Yield ways to make a copy in evaluation mode, the most faithful one first."""
    yield lambda: _ready(_copied(model))
    yield lambda: _ready(_built_anew(model))


def _ready(model: SequenceModel) -> SequenceModel:
    return model.to("cpu", torch.float64).eval()


def _copied(model: SequenceModel) -> SequenceModel:
    """Return a copy with all that the cell keeps on itself, as ``on_update_end`` may have set it.

    torch refuses to copy what was computed, such as a matrix kept from the last update: those
    tensors are copied without their history.
    """
    computed = [t for t in _kept_tensors(model) if t.grad_fn is not None]
    return deepcopy(model, {id(t): t.detach().clone() for t in computed})


def _kept_tensors(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        leaves = tree_leaves(list(vars(module).values()))
        yield from (leaf for leaf in leaves if isinstance(leaf, Tensor))


def _built_anew(model: SequenceModel) -> SequenceModel:
    """Return a new network with the weights and buffers, and nothing else that the cell keeps."""
    cell = model.cell
    with seeded(0, "twin"):
        own = type(cell)(cell.inputs, cell.hidden, cell.options)
        old = model.readout
        readout = type(old)(old.features, old.outputs, old.options)
        twin = SequenceModel(own, model.signature, model.kernel, model.pool, readout)
    twin.load_state_dict(model.state_dict())
    return twin
