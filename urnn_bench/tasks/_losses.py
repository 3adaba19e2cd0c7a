"""Losses that tasks share, as pure functions."""

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of logits (..., O) and classes y (...).

    The same as torch's, from operations that are vectorised on a CPU when O is small, where
    torch's softmax is not. Centring on the largest logit keeps the digits of small losses.
    """
    centred = logits - logits.detach().amax(-1, keepdim=True)
    right = centred.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return (torch.log(centred.exp().sum(-1)) - right).mean()
