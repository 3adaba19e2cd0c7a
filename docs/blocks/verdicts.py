"""Papers: what `urnn-bench verify` says of the committed records, and counts of it."""

import re
from collections import Counter
from typing import Any

from blocks.markdown import table as markdown
from blocks.program import PAPER, output_of

# how many there are, where they say nothing else
_SEEDS = re.compile(r"\d+ seeds|no seed of \d+ .*")
WORDS = ("reproduced", "not reproduced", "explained by the control", "inconclusive", "missing")
PAPERS = {
    "urnn-2016": ("Unitary evolution RNN, arXiv:1511.06464", "docs/papers/urnn-2016.md"),
    "momentum-2020": ("MomentumRNN, arXiv:2006.06919", "docs/papers/momentum-2020.md"),
    "hippo-2020": ("HiPPO and the LMU, arXiv:2008.07669", "docs/papers/hippo-2020.md"),
    "hbp-esn-2020": ("HBP-ESN, arXiv:2010.14611", "docs/papers/hbp-esn-2020.md"),
    "pgrnn-2021": ("Physics-guided networks, arXiv:2001.11086", "docs/papers/pgrnn-2021.md"),
    "convrnn-2018": ("Convolutional RNNs, arXiv:1807.00053", "docs/papers/convrnn-2018.md"),
}


def claims(paper: str) -> list[dict[str, Any]]:
    """Return every claim of a paper with its verdict."""
    found: list[dict[str, Any]] = output_of(
        "verify", paper, "--results", (PAPER / paper).as_posix()
    )
    return found


def table(paper: str, figure: str = "") -> str:
    """Return the verdicts on a paper's claims, or on those of the figures that begin so."""
    headers = ("figure", "the paper says", "paper", "bound", "ours", "verdict")
    rows = [_row(claim) for claim in claims(paper) if claim["figure"].startswith(figure)]
    return markdown(headers, rows)


def _row(claim: dict[str, Any]) -> tuple[str, ...]:
    # the command that would decide a claim is for the terminal
    reasons = [part for part in claim["reason"].split("; ") if "urnn-bench" not in part]
    parts = [claim["ours"], *(part for part in reasons if not _SEEDS.fullmatch(part))]
    ours = "; ".join([*parts, *_other_precision(claim)])
    word = claim["verdict"]
    said = word if word == "reproduced" else f"**{word}**"
    return claim["figure"], claim["says"], _reference(claim), claim["expected"], ours, said


def _other_precision(claim: dict[str, Any]) -> list[str]:
    """Return what runs in float64 say, if there are any."""
    other = claim.get("in_float64")
    return [] if other is None else [f"in float64 {other['ours']}, {other['verdict']}"]


def _reference(claim: dict[str, Any]) -> str:
    value, error, unit = (claim["paper"][key] for key in ("value", "error", "unit"))
    shown = value if isinstance(value, str) else f"{value:g}"
    return f"{shown}{'' if error is None else f' ± {error:g}'} {unit}".strip()


def papers(below: str = "") -> str:
    """Return one row of counts for each paper, linked from the README or from a page below docs."""
    headers = ("paper", "claims", *WORDS, "details")
    rows = []
    for name, (title, page) in PAPERS.items():
        counts = Counter(claim["verdict"] for claim in claims(name))
        link = f"[{name}]({page.removeprefix(below)})"
        rows.append((title, counts.total(), *(counts[word] for word in WORDS), link))
    return markdown(headers, rows)


def count(paper: str, word: str = "") -> str:
    """Return how many claims of a paper have a verdict, or how many there are."""
    return str(sum(word in ("", claim["verdict"]) for claim in claims(paper)))
