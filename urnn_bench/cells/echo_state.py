"""The echo state network under its former name, with its matrix always dense; new is ``esn``.

Jaeger (2001), GMD report 148.
"""

from typing import Literal

from pydantic import Field

from urnn_bench.cells.esn import Esn, EsnOptions


class EchoStateOptions(EsnOptions):
    """Those of ``esn``; recorded runs have this form and the time loop's rounding."""

    storage: Literal["auto", "dense", "sparse"] = Field(
        "dense", description="of the recurrent matrix: dense, sparse or auto"
    )


class EchoState(Esn):
    """The echo state network, computed by the time loop."""

    Options = EchoStateOptions
    options: EchoStateOptions
    kernels = {}
