"""What a paper says of a number, and the bounds within which ours reproduces it."""

from typing import Self

from pydantic import model_validator

from urnn_bench.spec.types import Config


class Reference(Config):
    """The value in the paper, and the error of reading it off a figure."""

    value: float | str
    error: float | None = None
    unit: str = ""

    @property
    def text(self) -> str:
        """The value with its reading error and unit."""
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        error = "" if self.error is None else f" ± {self.error:g}"
        return f"{value}{error} {self.unit}".strip()


class Expected(Config):
    """The bounds of the quantity; for "solved", whether every seed or none has to solve it."""

    below: float | None = None
    above: float | None = None
    every: bool | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.below is None and self.above is None and self.every is None:
            raise ValueError("give 'below', 'above' or both, or 'every' for \"solved\"")
        if self.below is not None and self.above is not None and self.below <= self.above:
            raise ValueError("'below' must be greater than 'above'")
        return self

    def allows(self, value: float) -> bool:
        """Return whether a number is within the bounds."""
        above = self.above is None or value > self.above
        return above and (self.below is None or value < self.below)

    def clearance(self, reference: Reference) -> str:
        """Return how the paper's value stands to the bounds, or that the bound is ours."""
        value, error = reference.value, reference.error or 0.0
        if isinstance(value, str) or self.every is not None:
            return "our bound, as the paper gives it in words"
        if not self.allows(value):
            return "the paper's value is not"
        is_clear = error and self.allows(value - error) and self.allows(value + error)
        return f"the paper's value is{', by more than its reading error' if is_clear else ''}"

    @property
    def text(self) -> str:
        """The bound in words."""
        if self.every is not None:
            return "every seed" if self.every else "no seed"
        parts = {"above": self.above, "below": self.below}
        return " and ".join(
            f"{name} {value:g}" for name, value in parts.items() if value is not None
        )
