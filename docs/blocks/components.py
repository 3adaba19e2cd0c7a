"""What is there: benchmarks, models, tasks, figures, probes and papers with a line on each."""

from blocks.markdown import table as markdown
from blocks.program import output_of


def table(kind: str) -> str:
    """Return the names of one kind and what each is."""
    found: dict[str, str] = output_of("list")[kind]
    rows = [(f"`{name}`", summary) for name, summary in found.items()]
    return markdown((kind.removesuffix("s"), "what it is"), rows)
