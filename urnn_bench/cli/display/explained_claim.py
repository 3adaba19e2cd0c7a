"""One claim explained: what was asked, the value of every seed, the bound, and the verdict."""

import sys
from collections.abc import Iterator, Mapping
from math import isnan
from typing import TYPE_CHECKING

from urnn_bench.claims.schema import Claim
from urnn_bench.claims.searches import SearchClaim
from urnn_bench.claims.words import measured
from urnn_bench.cli.display.output import Value, echo_block, echo_err, echo_rows
from urnn_bench.cli.display.paragraphs import paragraph, width_of
from urnn_bench.cli.display.verdicts import AnyClaim, meanings

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import SeedValue, Verdict

# a model and the one that it is compared with
_PAIR = 2


def write_explanations(verdicts: "Mapping[str, tuple[AnyClaim, Verdict]]") -> None:
    """Write explanations of verdicts to stdout, and the meanings of their words to stderr."""
    for i, (name, judged) in enumerate(verdicts.items()):
        if i > 0:
            echo_block("")
        _write_explanation(name, *judged)
    for text in meanings(verdict.word for _, verdict in verdicts.values()):
        echo_err(text)


def _write_explanation(name: str, claim: AnyClaim, verdict: "Verdict") -> None:
    _write_lines({"claim": name, **_asked(claim)})
    for of_seeds in (verdict, *verdict.controls.values(), *verdict.against_controls.values()):
        _write_seeds(claim, of_seeds)
    if verdict.seeds:
        echo_block("")
    _write_lines(dict(_concluded(verdict)))


def _asked(claim: AnyClaim) -> dict[str, str]:
    return {
        "figure": claim.figure,
        "the paper says": claim.says,
        "source": claim.source,
        "in the paper": claim.reference.text,
        "measured": measured(claim),
        "expected": f"{claim.expect.text} ({claim.expect.clearance(claim.reference)})",
        "runs": _runs(claim),
    }


def _runs(claim: AnyClaim) -> str:
    needs = claim.needs
    length = f", T = {needs.T}" if needs.T else ""
    if isinstance(claim, SearchClaim):
        return f"searches of {needs.benchmark}{length}, {needs.seeds} seeds"
    updates = f", {claim.updates:,} updates" if claim.updates else ""
    return f"{needs.benchmark}{length}, {needs.seeds} seeds{updates}"


def _write_seeds(claim: AnyClaim, verdict: "Verdict") -> None:
    if verdict.seeds:
        echo_block("")
        echo_rows([_row(claim, seed) for seed in verdict.seeds])


def _row(claim: AnyClaim, seed: "SeedValue") -> Mapping[str, Value]:
    """Return a seed's numbers, what is computed of several, and whether that is as expected."""
    is_single = len(seed.numbers) == 1
    computed = {} if is_single else {_number(claim, seed): seed.value}
    return {
        "seed": seed.seed,
        **seed.numbers,
        **computed,
        "as expected": _is_as_expected(claim, seed),
    }


def _number(claim: AnyClaim, seed: "SeedValue") -> str:
    """Return what is computed of a seed's numbers, which may be those of a control."""
    is_pair = isinstance(claim, Claim) and len(seed.numbers) == _PAIR
    return " - ".join(seed.numbers) if is_pair else claim.needs.number


def _is_as_expected(claim: AnyClaim, seed: "SeedValue") -> bool | None:
    if isnan(seed.value):
        return None
    every = claim.expect.every
    return claim.expect.allows(seed.value) if every is None else bool(seed.value) == every


def _concluded(verdict: "Verdict") -> Iterator[tuple[str, str]]:
    yield "ours", verdict.ours
    for control, of_control in verdict.controls.items():
        yield f"control {control}", f"{of_control.ours}: {of_control.word}"
    if verdict.in_float64:
        yield "in float64", f"{verdict.in_float64.ours}: {verdict.in_float64.word}"
    yield "verdict", verdict.word
    yield "why", verdict.reason


def _write_lines(entries: Mapping[str, str]) -> None:
    width = width_of(sys.stdout)
    echo_block("\n".join(paragraph(f"{key}: {text}", width) for key, text in entries.items()))
