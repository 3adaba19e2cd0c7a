"""Write every generated block of README.md and docs/ again from the committed records.

A block stands between two comments, ``<!-- generated: KIND ARGUMENT... -->`` and ``<!-- end -->``,
on lines of its own or within a sentence. ``python docs/generate.py`` rewrites them all;
``--check`` writes nothing, names the pages that are out of date and exits with 1.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from blocks import (
    commands,
    components,
    convolutional,
    engines,
    gpu,
    lakes,
    measured,
    numbers,
    precision,
    rates,
    records,
    reliability,
    reservoirs,
    speed,
    timings,
    verdicts,
)

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- generated: (?P<what>[^\n]*?) -->)(?P<old>.*?)(<!-- end -->)", re.DOTALL)

KINDS: Mapping[str, Callable[..., str]] = {
    "verdicts": verdicts.table,
    "papers": verdicts.papers,
    "count": verdicts.count,
    "commands": commands.reference,
    "components": components.table,
    "copying": records.copying,
    "accuracy": records.accuracy,
    "solved": records.solved,
    "best": numbers.best,
    "test": numbers.score,
    "number": numbers.number,
    "curve": numbers.curve,
    "record": measured.record,
    "times": measured.times,
    "float64-times": measured.float64_times,
    "duration": measured.duration,
    "share": measured.share,
    "first-above": measured.first_above,
    "along": measured.along,
    "over-ours": measured.over_ours,
    "attacks": reliability.attacks,
    "speed": speed.unitary,
    "speed-summary": speed.summary,
    "speed-models": speed.models,
    "speed-sizes": speed.of_sizes,
    "speed-forward": speed.forward,
    "speed-peers": speed.peers,
    "speed-stacking": speed.stacking,
    "engine-overheads": engines.overheads,
    "gpu-updates": gpu.updates,
    "gpu-ms": gpu.update_ms,
    "gpu-times": gpu.times_faster,
    "gpu-stacked": gpu.stacked,
    "precision-seeds": precision.seeds,
    "precision-p": precision.p_value,
    "lake-shares": lakes.by_share,
    "lake-cells": lakes.cells,
    "lake-update-ms": lakes.update_ms,
    "conv-accuracies": convolutional.accuracies,
    "conv-searches": convolutional.best_trials,
    "rates": rates.table,
    "reservoirs": reservoirs.table,
    "timing": timings.timing,
    "stacking-times": timings.stacking_times,
    "stacking-count": timings.stacking_count,
}


def pages() -> Iterator[Path]:
    """Yield the README and every page of the documentation."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))


def rewritten(text: str) -> str:
    """Return a page with every generated block made anew."""
    return BLOCK.sub(_block, text)


def _block(found: re.Match[str]) -> str:
    begin, _, old, end = found.groups()
    kind, *arguments = shlex.split(found["what"])
    new = KINDS[kind](*arguments)
    return f"{begin}\n{new}\n{end}" if "\n" in old else f"{begin}{new}{end}"


def main(arguments: list[str]) -> int:
    """Rewrite all pages, or with --check only say which are out of date."""
    check, old = "--check" in arguments, []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := rewritten(text)) != text:
            old.append(page.relative_to(ROOT))
            if not check:
                page.write_text(new, encoding="utf-8")
    said = "out of date; run: make docs-tables" if check else "written"
    sys.stdout.writelines(f"{name}: {said}\n" for name in old)
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
