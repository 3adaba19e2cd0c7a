"""Which claims ``urnn-bench verify`` judges, and which of another paper it cannot."""

from collections.abc import Sequence

from urnn_bench.claims.schema import Paper, load_paper
from urnn_bench.cli.display.verdicts import AnyClaim
from urnn_bench.errors import SpecError, UnknownNameError, UsageError
from urnn_bench.spec import catalogue


def chosen_claims(
    paper: Paper, name: str, quick: bool, chosen: Sequence[str]
) -> dict[str, AnyClaim]:
    """Return the claims of a paper that were asked for; raise UnknownNameError or UsageError."""
    for claim in chosen:
        if claim not in paper.claims:
            raise _unknown(claim, paper)
    if chosen:
        return {claim: paper.claims[claim] for claim in chosen}
    claims = {key: c for key, c in paper.claims.items() if not quick or key in paper.quick}
    if not claims:
        raise UsageError(f"no claim of '{name}' is marked 'quick'; leave out --quick")
    return claims


def _unknown(claim: str, paper: Paper) -> UsageError:
    """Return that no claim has a name, or which other paper has one of it."""
    for other in catalogue.claims():
        if claim in _claims_of(other):
            proposal = f"urnn-bench verify {other} --claim {claim}"
            return UsageError(f"'{claim}' is a claim of {other}; try: {proposal}")
    return UnknownNameError("claim", claim, paper.claims)


def _claims_of(paper: str) -> Sequence[str]:
    try:
        return [*load_paper(paper).claims]
    except SpecError:
        # a file with a fault, and not the one that was asked for
        return ()
