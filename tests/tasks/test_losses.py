"""Losses that tasks share are torch's, to rounding."""

import pytest
import torch

from urnn_bench.tasks._losses import cross_entropy


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_cross_entropy_and_its_gradient_are_torchs(scale):
    rng = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(7, 5, 4, dtype=torch.float64, generator=rng)
    y = torch.randint(4, (7, 5), generator=rng)
    found = []
    for loss in (cross_entropy, lambda z, y: torch.nn.functional.cross_entropy(z.mT, y)):
        z = logits.clone().requires_grad_()
        value = loss(z, y)
        value.backward()
        found.append((value.detach(), z.grad))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-15)


def test_cross_entropy_near_zero_keeps_its_digits():
    """An answer that is nearly sure, whose loss is below the rounding of its logit."""
    logits = torch.tensor([[0.0, 100.0 + 16.0, 100.0]])
    exact = torch.log1p(torch.exp(torch.tensor(-16.0, dtype=torch.float64)))
    loss = cross_entropy(logits, torch.tensor([1]))
    torch.testing.assert_close(loss.double(), exact, rtol=0.1, atol=0)
