"""Training in stages: one network, and a task, a way of training and an optimizer for each."""

from collections.abc import Sequence
from dataclasses import replace

from urnn_bench.engine.update import Job


def in_stages(jobs: Sequence[Job], names: Sequence[str]) -> Job:
    """Return the job that trains the network of all jobs in their order; at least one job.

    ``names`` are those of the stages, none for a job without stages. What draws random numbers is
    known of all stages together.
    """
    draws = replace(jobs[0].draws, possible=any(job.draws.possible for job in jobs))
    placed: list[Job] = []
    start = start_examples = 0
    for job, name in zip(jobs, names or [""], strict=True):
        job = replace(job, stage=name, draws=draws)
        placed.append(replace(job, start=start, start_examples=start_examples))
        start, start_examples = placed[-1].end, placed[-1].examples(placed[-1].end)
    return replace(placed[-1], earlier=tuple(placed[:-1]))
