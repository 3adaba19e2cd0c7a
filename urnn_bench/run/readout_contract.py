"""What a user's readout returns, checked before anything is trained.

T steps, B batch, H hidden width, O outputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from urnn_bench.errors import ComponentError
from urnn_bench.kernels.time_loop import State
from urnn_bench.models import SequenceModel
from urnn_bench.run.contract_text import (
    call,
    dtype_text,
    number_kind,
    require_tensor,
    shape_text,
    wrong,
)
from urnn_bench.tasks.base import Targets

_KIND = "readout"


def require_parameter(name: str, readout: nn.Module) -> nn.Parameter:
    """Return the first parameter of a readout; raise ComponentError if it has none."""
    first = next(readout.parameters(), None)
    if first is None:
        raise ComponentError(f"the readout '{name}' has no parameter, so it cannot be fitted")
    return first


def check_output(name: str, model: SequenceModel, states: Sequence[State]) -> Tensor:
    """Return the output (B, O) after a few states, of every step or of the last alone.

    Raises ComponentError if the readout returns something of the wrong form.
    """
    hs, last = torch.stack([state[0] for state in states]), states[-1]
    pooled = model.pool.apply(model.cell.readout_features, hs, last[0])
    returned = call(name, model.readout.forward, pooled, kind=_KIND)
    output = require_tensor(name, "forward", returned, _KIND)
    wanted = (*pooled.shape[:-1], model.signature.outputs)
    if output.shape != wanted or output.dtype != pooled.dtype:
        found = f"{number_kind(output)} numbers of type {dtype_text(output)} and shape "
        sentence = f"it must return {dtype_text(pooled)} of shape {shape_text(wanted)}"
        raise wrong(name, "forward", found + shape_text(output.shape), sentence, _KIND)
    return output[-1] if model.signature.targets is Targets.EVERY_STEP else output
