"""Losses that tasks share, as pure functions."""

import torch
from torch import Tensor
from torch.nn.functional import nll_loss


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of logits (..., O) and classes y (...).

    The same as torch's, from operations that are vectorised on a CPU when O is small, where
    torch's softmax is not. Centring on the largest logit keeps the digits of small losses.
    """
    centred = (logits - logits.detach().amax(-1, keepdim=True)).flatten(0, -2)
    # not gather, whose deterministic gradient on a GPU sorts, and in some versions asks the host
    wrong = nll_loss(centred, y.flatten(), reduction="none")
    return (torch.log(centred.exp().sum(-1)) + wrong).mean()
