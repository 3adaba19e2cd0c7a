"""How the progress of runs is reported."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reporting:
    """How the progress of runs is reported."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
