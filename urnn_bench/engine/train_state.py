"""A run's progress: all that its next update needs, apart from weights and optimizer."""

from dataclasses import dataclass, field
from math import inf

from torch import Tensor

from urnn_bench.events import Ending


@dataclass
class TrainState:
    """The state of a run after an ``Updated`` event.

    Its fields are stored in checkpoints. ``state`` is the hidden state from which the next batch
    continues, empty if it starts anew. ``ended`` is set before the last ``Updated``, so that a run
    stopped during its test resumes with the test. ``nonfinite_norms`` counts the updates that were
    clipped by a norm that is not finite, and ``nonfinite_norm_step`` is the logged update at which
    the first was seen.
    """

    step: int = 0
    train_s: float = 0.0
    evaluated: bool = False
    ended: tuple[Ending, str] | None = None
    loss_sum: float | Tensor = 0.0
    loss_count: int = 0
    nonfinite_norms: int | Tensor = 0
    nonfinite_norm_step: int | None = None
    solved_step: int | None = None
    best_step: int = 0
    best_value: float = inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    state: tuple[Tensor, ...] = ()
