"""``compare --gate``: the errors of a side that is worse, and of one that cannot be judged."""

from typing import TYPE_CHECKING

from urnn_bench.cli.display.comparisons import Names, json_row, near_one, place
from urnn_bench.cli.display.output import shown
from urnn_bench.errors import GateError, NothingToShowError

if TYPE_CHECKING:
    from urnn_bench.analysis.gate import Judged, Judgement

# a ratio of losses; no smaller rise is worth a failure
TOLERANCE = 1.05


def check(judged: "Judged", names: Names, *, is_complete: bool) -> str:
    """Return a sentence if no loss of B is found to be above the tolerance.

    Raises GateError if one is, NothingToShowError if that cannot be decided.
    """
    above = names.above(judged.tolerance)
    if judged.worse:
        raise GateError(f"{names.b_loss} is {above}: {', '.join(map(_shown, judged.worse))}")
    if reason := _undecided(judged, is_complete):
        raise NothingToShowError(reason)
    count = len(judged.judgements)
    among = f"any of {count} comparisons" if count > 1 else "the comparison"
    return f"the gate passes: {names.b_loss} is not found to be {above} in {among}"


def json_gate(judged: "Judged") -> list[dict[str, object]]:
    """Return the comparisons as JSON, each with the p of the gate."""
    return [
        {
            **json_row(judgement.row),
            "tolerance": judged.tolerance,
            "p_above_tolerance": judgement.p,
        }
        for judgement in judged.judgements
    ]


def _shown(judgement: "Judgement") -> str:
    """Return where B is worse, by how much, and how sure that is."""
    found = judgement.row.found
    p = f"p = {shown(judgement.p)} by Holm's correction"
    ratio = shown(near_one(found.ratio.value))
    return f"{place(judgement.row)} ({ratio} times, {p}, {found.pairs} seeds)"


def _undecided(judged: "Judged", is_complete: bool) -> str:
    """Return why the gate cannot pass; nothing if it can."""
    if not is_complete:
        return "nothing is judged, as one side lacks runs; train them with the commands above"
    if unscored := judged.unscored:
        places = ", ".join(map(place, unscored))
        return f"nothing is judged, as a seed has no finite test loss above zero: {places}"
    if few := judged.too_few:
        places = ", ".join(f"{place(row)} has {row.found.pairs}" for row in few)
        count = len(judged.judgements)
        return (
            f"cannot be decided with so few seeds: {count} comparison{'s' * (count > 1)} need "
            f"{judged.seeds_needed} on both sides, and {places}; train more with --seeds "
            f"{judged.seeds_needed}"
        )
    return ""
