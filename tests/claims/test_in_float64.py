"""Claims that are judged once more by runs in float64."""

import json

import pytest

CLAIM = """\
title: A paper
paper: arXiv
claims:
  low:
    figure: "1"
    says: "It ends low."
    source: "read off"
    reference: {value: 0.01}
    needs: {benchmark: made, model: urnn, T: 100, updates: 1000}
    quantity: {of: test}
    expect: {below: 0.1}
    in_float64: {benchmark: exact, model: urnn}
"""
EXACT = """\
title: Exact
task: {name: copying}
T: 100
models: {urnn: {hidden: 8}}
fit: {steps: 1000, dtype: float64, solved: {metric: cross_entropy_nat, below: 0.01}}
"""


@pytest.fixture
def claims(bench):
    """The claim, and three runs in float32 that meet it."""
    bench.write("claims.yaml", CLAIM)
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("benchmarks/exact.yaml", EXACT)
    for seed in range(3):
        bench.record("urnn", seed=seed, test=0.01)
    return bench


def train_in_float64(bench, test, seeds=3):
    for seed in range(seeds):
        bench.record("urnn", seed=seed, test=test, benchmark="exact", fit={"dtype": "float64"})


def test_what_they_say_stands_beside_the_verdict(claims):
    train_in_float64(claims, test=0.5)
    done = claims("verify", "claims.yaml")
    assert "low\t0.01\t0.01 (range 0.01 to 0.01)\treproduced" in done.out
    assert "in float64 not reproduced: 0.5" in done.out
    (row,) = json.loads(claims("verify", "claims.yaml", "--json").out)
    assert row["verdict"] == "reproduced"
    assert row["in_float64"]["verdict"] == "not reproduced"
    assert row["in_float64"]["values"] == [0.5, 0.5, 0.5]
    assert "run exact --model urnn --T 100 --seeds 3" in row["in_float64"]["command"]


@pytest.mark.parametrize("seeds", [0, 2])
def test_too_few_of_them_say_nothing(claims, seeds):
    train_in_float64(claims, test=0.5, seeds=seeds)
    assert "float64" not in claims("verify", "claims.yaml").out
    (row,) = json.loads(claims("verify", "claims.yaml", "--json").out)
    assert row["in_float64"] is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("in_float64: {benchmark: exact, model: urn}", "no model is called 'urn'"),
        ("in_float64: {benchmark: exact, model: urnn, against: lstm}", "has 'against' if"),
    ],
)
def test_models_that_do_not_fit_are_one_sentence(claims, wrong, said):
    claims.write("claims.yaml", CLAIM.rpartition("    in_float64")[0] + f"    {wrong}\n")
    done = claims("verify", "claims.yaml", code=2)
    assert said in done.err and len(done.err.splitlines()) == 1
