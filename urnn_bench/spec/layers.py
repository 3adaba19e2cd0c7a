"""How the layers of a deep network are put together."""

from typing import Literal

from pydantic import Field

from urnn_bench.spec.types import Config, Fraction


class Block(Config):
    """What surrounds the recurrence of every layer; with it, all layers are ``hidden`` wide."""

    norm: Literal["none", "layer", "batch", "rms"] = Field(
        "layer", description="what is normalised: none, layer, batch or rms"
    )
    position: Literal["pre", "post"] = Field(
        "pre", description="pre: before the recurrence; post: after the sum"
    )
    residual: bool = Field(True, description="add the layer's input to its output")
    mixer: Literal["none", "glu", "mlp"] = Field(
        "none", description="what follows the recurrence in every step: none, glu or mlp"
    )
    dropout: Fraction = Field(0.0, description="share of the units that an update leaves out")
