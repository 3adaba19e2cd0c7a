"""The form of a task's inputs and outputs, which is all that a model may know of it."""

from dataclasses import dataclass
from enum import Enum

from urnn_bench.renamed import ARGUMENTS, note_former_name


@dataclass(frozen=True)
class Tokens:
    """Inputs are integers below ``vocabulary``: x is (T, B)."""

    vocabulary: int

    @property
    def width(self) -> int:
        """F once every token is one-hot."""
        return self.vocabulary


@dataclass(frozen=True)
class Vectors:
    """Inputs are real vectors: x is (T, B, width)."""

    width: int


@dataclass(frozen=True)
class Images:
    """Inputs are real images, flat: x is (T, B, width), channel by channel and row by row."""

    channels: int
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of one step's image."""
        return self.channels, self.rows, self.columns

    @property
    def width(self) -> int:
        """F: the number of all values of an image."""
        return self.channels * self.rows * self.columns


class Targets(Enum):
    """Whether a task scores a model's output after every step, or after the last one alone."""

    EVERY_STEP = "every step"
    LAST_STEP = "last step"

    @property
    def batch_axis(self) -> int:
        """The axis of the batch in outputs and targets: (T, B, ...) or (B, ...)."""
        return 1 if self is Targets.EVERY_STEP else 0


@dataclass(frozen=True, init=False)
class Signature:
    """All that a model may know of a task.

    In evaluation the input of the last ``feedback_steps`` is the output of the step before; that of
    the batch is not read.
    """

    inputs: Tokens | Vectors | Images
    outputs: int
    targets: Targets
    feedback_steps: int

    def __init__(
        self,
        inputs: Tokens | Vectors | Images,
        outputs: int,
        targets: Targets | str | None = None,
        answer: str | None = None,
        feedback_steps: int = 0,
    ) -> None:
        """Take ``answer``, the former name of ``targets``, too; raise TypeError for another.

        Raises ValueError for feedback where an output has not the form of an input.
        """
        fields = {"inputs": inputs, "outputs": outputs, "targets": _targets(targets, answer)}
        for name, value in {**fields, "feedback_steps": feedback_steps}.items():
            object.__setattr__(self, name, value)
        if feedback_steps and not self._can_feed_back():
            raise ValueError(
                "feedback_steps is a positive number only where inputs are Vectors as wide as the "
                f"outputs, with targets at every step, not {feedback_steps!r} of {inputs} and "
                f"{outputs} outputs at {self.targets.value}"
            )

    def _can_feed_back(self) -> bool:
        is_alike = isinstance(self.inputs, Vectors) and self.inputs.width == self.outputs
        return is_alike and self.targets is Targets.EVERY_STEP and self.feedback_steps > 0

    @property
    def answer(self) -> str:
        """The former name of ``targets``, with its former values."""
        _note_answer()
        return next(word for word, targets in _ANSWERS.items() if targets is self.targets)


_ANSWERS = {"every": Targets.EVERY_STEP, "last": Targets.LAST_STEP}


def _targets(targets: Targets | str | None, answer: str | None) -> Targets:
    """Return targets that are given by today's or by the former name and values."""
    if isinstance(targets, Targets) and answer is None:
        return targets
    given = [word for word in (targets, answer) if word is not None]
    if len(given) != 1 or given[0] not in _ANSWERS:
        wanted = "Targets.EVERY_STEP or Targets.LAST_STEP"
        raise TypeError(f"the targets of a Signature are {wanted}, not {given!r}")
    _note_answer()
    return _ANSWERS[str(given[0])]


def _note_answer() -> None:
    note_former_name("answer", ARGUMENTS["Signature"]["answer"])
