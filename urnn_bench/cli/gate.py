"""``compare --gate``: the errors of a side that is worse, and of one that cannot be judged."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from urnn_bench.cli.display.comparisons import Names, json_row, near_one, place, seeds_text
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
        lacking = "" if is_complete else f"; one side also {_LACKS_RUNS}"
        raise GateError(f"{'; '.join(_regressions(judged, names))}{lacking}")
    if reason := _undecided(judged, names, is_complete):
        raise NothingToShowError(reason)
    count = len(judged.judgements)
    among = f"any of {count} comparisons" if count > 1 else "the comparison"
    return f"the gate passes: {names.b_loss} is not found to be {above} in {among}"


_LACKS_RUNS = "lacks runs: train them with the commands above"


def json_gate(judged: "Judged", missing: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return the verdict as JSON, what is missing, and the comparisons with the gate's p."""
    worse, undecided = judged.worse, missing or judged.unscored or judged.too_few
    return {
        "verdict": "worse" if worse else "undecided" if undecided else "passes",
        "missing": missing,
        "rows": [
            {
                **json_row(judgement.row),
                "tolerance": judged.tolerance,
                "p_above_tolerance": judgement.p,
                "verdict": judged.verdict(judgement),
            }
            for judgement in judged.judgements
        ],
    }


def notes(judged: "Judged", names: Names) -> list[str]:
    """Return a sentence for every row whose loss is higher, but not above the tolerance."""
    return [
        f"{place(judgement.row)}: {names.b_loss} is {_within(judgement, judged.tolerance, names)}"
        for judgement in judged.judgements
        if judgement.row.found.verdict == "higher" and not judgement.is_above
    ]


def _within(judgement: "Judgement", tolerance: float, names: Names) -> str:
    ratio = judgement.row.found.ratio.value
    text = f"{shown(near_one(ratio))} times that {names.preposition} {names.a}"
    limit = f"the tolerance of {shown(near_one(tolerance))}"
    if ratio <= tolerance:
        return f"{text}, within {limit}"
    return f"{text}, not found to be above {limit} (p = {shown(judgement.p)})"


def _regressions(judged: "Judged", names: Names) -> list[str]:
    """Return in words where losses are above the tolerance, and where runs diverged."""
    above = ", ".join(_shown(one) for one in judged.worse if one.is_above)
    rows = (one.row for one in judged.worse if one.row.diverged.only_in_b)
    diverged = ", ".join(f"{place(row)} {seeds_text(row.diverged.only_in_b)}" for row in rows)
    p = "p: one-sided, corrected by Holm"
    texts = [f"{names.b_loss} is {names.above(judged.tolerance)}: {above} ({p})"] if above else []
    if diverged:
        preposition, a, b = names.preposition, names.a, names.b
        texts.append(
            f"runs {preposition} {b} diverged and those {preposition} {a} did not: {diverged}"
        )
    return texts


def _shown(judgement: "Judgement") -> str:
    """Return where B is worse, by how much, and how sure that is."""
    found = judgement.row.found
    ratio = shown(near_one(found.ratio.value))
    return f"{place(judgement.row)} ({ratio} times, p = {shown(judgement.p)}, {found.pairs} seeds)"


def _undecided(judged: "Judged", names: Names, is_complete: bool) -> str:
    """Return why the gate cannot pass; nothing if it can."""
    if not is_complete:
        is_judged = not judged.unscored and not judged.too_few
        others = f"; {names.b_loss} is not found to be worse in what both have" if is_judged else ""
        return f"the gate cannot pass, as one side {_LACKS_RUNS}{others}"
    if unscored := judged.unscored:
        places = ", ".join(map(place, unscored))
        return f"the gate cannot pass, as a seed has no finite test loss above zero: {places}"
    if few := judged.too_few:
        places = ", ".join(f"{place(row)} has {row.found.pairs}" for row in few)
        count = len(judged.judgements)
        return (
            f"cannot be decided with so few seeds: {count} comparison{'s' * (count > 1)} need "
            f"{judged.seeds_needed} on both sides, and {places}; train more with --seeds "
            f"{judged.seeds_needed}"
        )
    return ""
