"""A comparison of two sides as a table, as JSON, and in sentences."""

from collections.abc import Sequence
from math import floor, isnan, log10
from typing import TYPE_CHECKING, NamedTuple

from urnn_bench.cli.display.intervals import Ends, end_columns, end_legend
from urnn_bench.cli.display.output import TableRow, Value, echo_err, echo_rows, shown

if TYPE_CHECKING:
    from urnn_bench.analysis.compare import Row

# of a ratio near 1, how many digits of its difference from 1 are shown, and how near that is
_DIGITS, _NEAR, _MOST_DECIMALS = 2, 0.01, 15


class Names(NamedTuple):
    """What the user calls the two sides, which are models or folders."""

    a: str
    b: str
    are_folders: bool

    @property
    def preposition(self) -> str:
        """What stands before a side whose loss is meant."""
        return "in" if self.are_folders else "of"

    @property
    def b_loss(self) -> str:
        """The loss of B, in words."""
        return f"the loss {self.preposition} {self.b}"

    def above(self, ratio: float) -> str:
        """Return in words that a loss is more than a ratio of A's."""
        return f"more than {shown(near_one(ratio))} times that {self.preposition} {self.a}"


def show(rows: "Sequence[Row]") -> None:
    """Write a table of the comparisons to stdout, what its columns are to stderr."""
    with_length = any(row.matter.length for row in rows)
    intervals = [row.found.ratio for row in rows]
    ends = end_columns([Ends(near_one(i.low), near_one(i.high), i.kind) for i in intervals])
    echo_rows([_table_row(row, end, with_length) for row, end in zip(rows, ends, strict=True)])
    metrics = " or ".join(dict.fromkeys(row.metric for row in rows))
    legend = end_legend({interval.kind for interval in intervals})
    echo_err(f"B / A: ratio of test {metrics}, geometric mean over seeds; {legend}")
    for sentence in _training_notes(rows):
        echo_err(sentence)
    if untested := sum(row.untested for row in rows):
        echo_err(f"{untested} seeds are left out: they are not tested on one of the two sides")
    echo_err(
        "p: two-sided sign-flip test of no difference, over the seeds of a row alone; "
        "that of --gate is one-sided, of a ratio above the tolerance, and corrects for several rows"
    )


def _training_notes(rows: "Sequence[Row]") -> list[str]:
    """Return what differs in training, once for the lengths at which it does."""
    lengths: dict[tuple[str, str | None, tuple[str, ...]], list[str]] = {}
    for row in rows:
        if row.trained and not row.matter.length:
            key = row.matter.benchmark, row.matter.model, row.trained
            lengths.setdefault(key, []).append(str(row.matter.T))
    return [
        f"{benchmark} {model} T={', '.join(of_training)}: A and B were not trained alike: "
        f"{'; '.join(trained)}"
        for (benchmark, model, trained), of_training in lengths.items()
    ]


def _table_row(row: "Row", ends: TableRow, with_length: bool) -> TableRow:
    return {
        "benchmark": row.matter.benchmark,
        **({"model": row.matter.model} if row.matter.model else {}),
        "T": row.matter.T,
        **({"tested at": row.matter.tested} if with_length else {}),
        "seeds": row.found.pairs,
        "B / A": near_one(row.found.ratio.value),
        **ends,
        "p": row.found.p,
        "solved": f"{row.solved[0]}, {row.solved[1]}",
        "B's loss": row.found.verdict,
    }


def json_row(row: "Row") -> dict[str, object]:
    """Return a comparison with all its digits."""
    comparison = row.found
    return {
        "benchmark": row.matter.benchmark,
        "model": row.matter.model,
        "T": row.matter.T,
        "length": row.matter.tested,
        "metric": row.metric,
        "seeds": comparison.pairs,
        "ratio": comparison.ratio.value,
        "untested": row.untested,
        "trained": list(row.trained),
        "ratio_low": comparison.ratio.low,
        "ratio_high": comparison.ratio.high,
        "ratio_interval": comparison.ratio.kind,
        "p": comparison.p,
        "solved_a": row.solved[0],
        "solved_b": row.solved[1],
        "b_is": comparison.verdict,
        "diverged_a": sorted((*row.diverged.only_in_a, *row.diverged.in_both)),
        "diverged_b": sorted((*row.diverged.only_in_b, *row.diverged.in_both)),
    }


def near_one(ratio: float) -> Value:
    """Return a ratio, as text with more digits where three would not tell it from 1."""
    change = abs(ratio - 1)
    if isnan(ratio) or not 0 < change < _NEAR:
        return ratio
    decimals = min(_DIGITS - 1 - floor(log10(change)), _MOST_DECIMALS)
    return f"{ratio:.{decimals}f}".rstrip("0")


def place(row: "Row") -> str:
    """Return the benchmark, model and lengths of a comparison."""
    model = f" {row.matter.model}" if row.matter.model else ""
    return f"{row.matter.benchmark}{model} T={_lengths(row)}"


def _lengths(row: "Row") -> str:
    tested = f" tested at T={row.matter.length}" if row.matter.length else ""
    return f"{row.matter.T}{tested}"


def sentences(rows: "Sequence[Row]", names: Names, *, is_gate: bool = False) -> list[str]:
    """Return a sentence for every difference, and one for each reason why there is none.

    A gate says itself where B is worse.
    """
    told = {"lower"} if is_gate else {*_WORDS}
    found = [_difference(row, names) for row in rows if row.found.verdict in told]
    others = (_without(verdict, rows) for verdict in _WITHOUT)
    return [*found, *filter(None, others), *_diverged(rows)]


def _diverged(rows: "Sequence[Row]") -> list[str]:
    """Return where runs diverged on one side, and where on both."""
    return [
        f"{place(row)}: diverged {where}: {seeds_text(seeds)}"
        for row in rows
        for where, seeds in (
            ("in B alone", row.diverged.only_in_b),
            ("in A alone", row.diverged.only_in_a),
            ("in A and B", row.diverged.in_both),
        )
        if seeds
    ]


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds in words: ``seeds 0, 1``."""
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


_WORDS = {"higher": "worse", "lower": "better"}
_WITHOUT = {
    "no difference found": "no difference found",
    "too few seeds": "too few seeds to tell, fewer than six",
    "unknown": "no ratio, as a seed has no finite test loss above zero",
}


def _difference(row: "Row", names: Names) -> str:
    """Return which side is worse where, by how much, and how sure that is."""
    found, word = row.found, _WORDS[row.found.verdict]
    subject = f"{names.b} is {word} than {names.a}"
    if names.are_folders:
        subject = f"{row.matter.model} is {word} in {names.b} than in {names.a}"
    ratio, low, high = (
        shown(near_one(value)) for value in (found.ratio.value, found.ratio.low, found.ratio.high)
    )
    loss = f"loss {ratio} times that {names.preposition} {names.a} (95 % interval {low} to {high})"
    return (
        f"{row.matter.benchmark}: {subject} at T = {_lengths(row)}: {loss}, p = {shown(found.p)}, "
        f"{found.pairs} seeds"
    )


def _without(verdict: str, rows: "Sequence[Row]") -> str:
    # a row without seeds is one of runs that are missing or diverged, as other sentences say
    told = (row for row in rows if row.found.pairs and row.found.verdict == verdict)
    places = ", ".join(map(place, told))
    return f"{_WITHOUT[verdict]}: {places}" if places else ""
