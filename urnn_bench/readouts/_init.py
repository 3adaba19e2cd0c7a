"""The linear layer that readouts share."""

from torch import nn


def glorot(features: int, outputs: int) -> nn.Linear:
    """Return a linear layer with Glorot's uniform weights and zero bias.

    Glorot and Bengio (2010), AISTATS 9, equation 16.
    """
    # torch's own initial values are drawn first: the order of draws is part of what a seed means
    layer = nn.Linear(features, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
