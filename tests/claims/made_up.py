"""Made-up papers, and the records of runs that never were."""

CLAIMS = """\
title: A paper
paper: arXiv
quick: [solves]
claims:
  solves:
    figure: "1"
    says: "It solves it."
    source: "read off"
    reference: {value: solved}
    needs: {benchmark: made, model: urnn, T: 100, updates: 1000}
    quantity: {of: solved}
    expect: {every: true}
  stuck:
    figure: "1"
    says: "It is stuck."
    source: "read off"
    reference: {value: 1.0, error: 0.1, unit: of the baseline}
    needs: {benchmark: made, model: lstm, T: 100}
    quantity: {of: test, over_baseline: true}
    expect: {above: 0.9}
"""

AGAINST = """\
title: A paper
paper: arXiv
claims:
  ahead:
    figure: "1"
    says: "It ends lower."
    source: "read off"
    reference: {value: -0.1}
    needs: {benchmark: made, model: urnn, against: lstm, T: 100, updates: 1000}
    quantity: {of: test}
    expect: {below: 0}
"""


def record_runs(bench, solved=(True, True, True), losses=(0.17, 0.17, 0.18), **more):
    for seed, done in enumerate(solved):
        bench.record("urnn", seed=seed, solved_step=100 * (seed + 1) if done else None, **more)
    for seed, loss in enumerate(losses):
        bench.record("lstm", seed=seed, test=loss, **more)
