"""Losses that tasks share, as pure functions."""

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of logits (..., O) and classes y (...).

    The same as torch's, from operations that are vectorised on a CPU when O is small, where
    torch's softmax is not. Centring on the largest logit keeps the digits of small losses.
    """
    centred = logits - logits.detach().amax(-1, keepdim=True)
    classes = torch.arange(logits.shape[-1], device=y.device)
    # not gather, whose deterministic gradient on a GPU sorts, and in some versions asks the host
    right = torch.where(classes == y.unsqueeze(-1), centred, 0).sum(-1)
    return (torch.log(centred.exp().sum(-1)) - right).mean()
