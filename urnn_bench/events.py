"""What can happen in a run, as plain frozen values: the engine yields them, the shell reads them.

``Updated`` is always the last event of an update, so that a checkpoint taken when it arrives
holds everything up to and including that update.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
Ending = Literal["done", "solved", "diverged", "oom", "failed"]


@dataclass(frozen=True)
class Updated:
    """One optimizer update is complete; ``train_s`` counts seconds spent training only."""

    step: int
    examples: int
    train_s: float


@dataclass(frozen=True)
class ScoringBegins:
    """Training is over after ``step`` updates, and the test split is scored next."""

    step: int


@dataclass(frozen=True)
class Measured:
    """Scores of a split after ``step`` updates; for "train", means since the last such event.

    ``frozen`` counts parameters whose optimizer state is not finite; it is known for "train" alone.
    ``stage`` is empty where a run has no stages.
    """

    step: int
    examples: int
    train_s: float
    split: SplitName | Literal["probe"]
    metrics: Mapping[str, float] = field(default_factory=dict)
    frozen: int = 0
    stage: str = ""


@dataclass(frozen=True)
class Probed:
    """What probes read: curves over time by probe and state, and single numbers by metric.

    ``failures`` says, by probe, why one could not be read.
    """

    step: int
    examples: int
    train_s: float
    curves: Mapping[tuple[str, str], Sequence[float]]
    numbers: Mapping[str, float]
    cost_s: float
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """Nothing more will happen: every update is done, or something ended the run before that."""

    status: Ending
    reason: str


Event = Updated | ScoringBegins | Measured | Probed | Ended
