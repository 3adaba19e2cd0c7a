"""The verdicts on a paper's claims: as rows of JSON, as text, and as Markdown."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from urnn_bench.claims.schema import Claim, commands, float64_claim
from urnn_bench.claims.searches import SearchClaim
from urnn_bench.cli.display.output import echo_block, echo_err, echo_table
from urnn_bench.proposals import Command
from urnn_bench.text import markdown

if TYPE_CHECKING:
    from urnn_bench.claims.verdicts import Verdict

AnyClaim: TypeAlias = Claim | SearchClaim


def json_row(name: str, claim: AnyClaim, verdict: "Verdict", base: Command) -> dict[str, object]:
    """Return what JSON says of a claim; the best trials too if it is on searches."""
    return {
        "claim": name,
        "figure": claim.figure,
        "says": claim.says,
        "source": claim.source,
        "paper": claim.reference.model_dump(),
        "expected": claim.expect.text,
        "number": claim.needs.number,
        "verdict": verdict.word,
        "ours": verdict.ours,
        "values": list(verdict.values),
        "reason": verdict.reason,
        "command": " && ".join(map(str, claim.commands(base))),
        **(_of_runs(claim, verdict, base) if isinstance(claim, Claim) else _of_searches(verdict)),
    }


def _of_runs(claim: Claim, verdict: "Verdict", base: Command) -> dict[str, object]:
    return {"in_float64": _float64_row(claim, verdict, base)}


def _of_searches(verdict: "Verdict") -> dict[str, object]:
    shown = {"sampler", "seed", "trial", "model", "label", "T", "seeds", "values", "loss", "runs"}
    return {"trials": [trial.model_dump(mode="json", include=shown) for trial in verdict.trials]}


def _float64_row(claim: Claim, verdict: "Verdict", base: Command) -> dict[str, object] | None:
    other, said = float64_claim(claim), verdict.in_float64
    if other is None or said is None:
        return None
    return {
        "verdict": said.word,
        "ours": said.ours,
        "values": list(said.values),
        "command": str(other.needs.command(base)),
    }


def write_text(verdicts: "Mapping[str, tuple[AnyClaim, Verdict]]", base: Command) -> None:
    """Write a table to stdout, and what to do next to stderr."""
    rows = [
        (name, claim.reference.text, verdict.ours, verdict.word, _why(claim, verdict))
        for name, (claim, verdict) in verdicts.items()
    ]
    echo_table(("claim", "paper", "ours", "verdict", "why"), rows, with_notes=True)
    _propose(verdicts, base)
    for text in (*_LEGEND, *meanings(verdict.word for _, verdict in verdicts.values())):
        echo_err(text)


def _why(claim: AnyClaim, verdict: "Verdict") -> str:
    """Return why a claim is not reproduced, and what its runs in float64 say."""
    parts = []
    if verdict.word not in ("reproduced", "missing"):
        parts.append(f"{claim.says} Expected {claim.expected}; {verdict.reason}")
    if verdict.in_float64:
        parts.insert(0, f"in float64 {verdict.in_float64.word}: {verdict.in_float64.ours}.")
    return " ".join(parts)


def _propose(verdicts: "Mapping[str, tuple[AnyClaim, Verdict]]", base: Command) -> None:
    """Write the commands that make what is missing."""
    missing = [claim for claim, verdict in verdicts.values() if verdict.word == "missing"]
    needs = [claim.needs for claim in missing if isinstance(claim, Claim)]
    for command in commands(needs, base):
        echo_err(f"missing: {command}")
    searches = (claim for claim in missing if isinstance(claim, SearchClaim))
    for line in dict.fromkeys(chain.from_iterable(claim.commands(base) for claim in searches)):
        echo_err(f"missing: {line}")
    if needs:
        echo_err("--dry-run shows how long a command takes; verify --run trains all of them")


def meanings(words: Iterable[str]) -> list[str]:
    """Return a line for each verdict among ``words``: what it means."""
    used = {*words}
    return [f"verdict {word}: {meaning}" for word, meaning in MEANINGS.items() if word in used]


_LEGEND = (
    "ours: geometric mean over seeds (mean for differences) with its 95 % t interval, or with the "
    "range of fewer than six seeds; every seed's value if far apart; or the number of solved seeds",
    "a score within N updates is that of the best validation up to then",
    "--claim NAME explains one claim, seed by seed",
)
MEANINGS: Mapping[str, str] = {
    "reproduced": "every seed is as expected",
    "not reproduced": "no seed is as expected",
    "explained by the control": "so is every seed of a model that lacks what the claim credits",
    "inconclusive": "some seeds are as expected and some are not, which more seeds do not change, "
    "or the runs do not decide it",
    "missing": "there are no runs that decide it",
}


def write_markdown(verdicts: "Mapping[str, tuple[AnyClaim, Verdict]]", _: Command) -> None:
    """Write a table of Markdown."""
    from tabulate import tabulate

    headers = ("figure", "the paper says", "paper", "expected", "ours", "verdict")
    rows = [
        (c.figure, c.says, c.reference.text, c.expected, f"{v.ours}, {v.reason}", v.word)
        for c, v in verdicts.values()
    ]
    cells = [[markdown(text) for text in row] for row in rows]
    echo_block(tabulate(cells, headers, tablefmt="github", disable_numparse=True))
