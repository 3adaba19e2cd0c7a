"""What a claim asks of a run, in words."""

from collections.abc import Callable, Mapping

from urnn_bench.claims.quantities import Quantity, QuantityName
from urnn_bench.claims.schema import Claim
from urnn_bench.claims.searches import SearchClaim


def measured(claim: Claim | SearchClaim) -> str:
    """Return which number is taken of every seed."""
    if isinstance(claim, SearchClaim):
        cost = claim.quantity
        within = f"{cost.trials:,} trials" if cost.trials else f"{cost.updates:,} updates in all"
        text = f"lowest validation loss within {within}"
    else:
        baseline = ", divided by the baseline's" if claim.quantity.over_baseline else ""
        text = f"{_WORDS[claim.quantity.of](claim.quantity)}{baseline}"
    return f"{claim.needs.number}: {text}"


def _test(quantity: Quantity) -> str:
    length = f" at T = {quantity.T}" if quantity.T else ""
    return f"{quantity.metric or 'loss'} of the best weights on the test split{length}"


def _validation(quantity: Quantity) -> str:
    until = f" within {quantity.until:,} updates" if quantity.until else ""
    return f"{quantity.best or 'lowest'} {quantity.metric or 'loss'} on validation{until}"


def _probe(quantity: Quantity) -> str:
    name = f"{quantity.probe} of {quantity.state} at time {quantity.t}"
    over = f", divided by that at time {quantity.over}" if quantity.over else ""
    return f"{name}{over}, after {quantity.update:,} updates"


_WORDS: Mapping[QuantityName, Callable[[Quantity], str]] = {
    "solved": lambda _: "1 if the run has solved its task, else 0",
    "solved_step": lambda _: "the update that solved the task",
    "test": _test,
    "validation": _validation,
    "probe": _probe,
}
