"""Files of claims: a mistake is one sentence with its line, and the shipped files can be read."""

import json

import pytest
from made_up import CLAIMS, record_runs

TESTED = "T: 100}\n    quantity: {of: test, over_baseline: true}"
SCORED = "T: 100, updates: 50}}\n    quantity: {{of: {}}}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("quantity: {of: solved}", "quantity: {off: solved}", "unknown key 'off'"),
        ("quick: [solves]", "quick: [solve]", "'quick' names 'solve'"),
        ("expect: {every: true}", "expect: {below: 1}", "goes with the quantity"),
        ("model: lstm,", "model: lstm, controls: [urnn],", "'controls' go with 'against'"),
        ("model: lstm,", "model: lstm, against: urnn, controls: [urnn],", "a third model"),
        ("model: lstm,", "model: lstm, against: lstm,", "cannot be set against itself"),
        ("model: urnn,", "model: urnn, against: lstm,", "'against' takes one number from another"),
        ("expect: {above: 0.9}", "expect: {}", "give 'below', 'above'"),
        ("expect: {above: 0.9}", "expect: {above: 5, below: 1}", "must be greater than 'above'"),
        ("{of: test, over_baseline: true}", "{of: probe, t: 0}", "times count from 1"),
        (TESTED, SCORED.format("validation, until: 51"), "'until' is 51, after the 50"),
        (TESTED, SCORED.format("test, until: 50"), "'until' goes with"),
        (TESTED, SCORED.format("validation, T: 50"), "'T' goes with the quantity \"test\""),
        (TESTED, SCORED.format("validation, metric: accuracy"), "which 'accuracy' is the best one"),
        (TESTED, SCORED.format("probe, update: 51"), "'update' is 51, after the 50"),
        ('    says: "It is stuck."\n', "", "the key 'says' is missing"),
    ],
)
def test_a_typo_is_one_sentence_with_its_line(bench, old, new, says):
    bench.write("paper.yaml", CLAIMS.replace(old, new, 1))
    said = bench("verify", "paper.yaml", code=2).err
    assert says in said and "paper.yaml" in said and said.count("\n") == 1
    assert "quick" in says or "paper.yaml, line" in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("model: lstm", "model: lstn", "no model is called 'lstn'; did you mean 'lstm'"),
        ("model: lstm,", "model: lstm, against: urn,", "no model is called 'urn'"),
        ("model: lstm, T: 100", "model: lstm, T: 1000", "no length is called '1000'"),
    ],
)
def test_a_claim_that_its_benchmark_cannot_answer_is_refused(bench, old, new, says):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", CLAIMS.replace(old, new))
    said = bench("verify", "paper.yaml", code=2).err
    assert says in said and "the claim 'stuck': in 'made'" in said and said.count("\n") == 1


def test_a_benchmark_may_be_named_by_its_path(bench):
    record_runs(bench)
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", CLAIMS.replace("benchmark: made", "benchmark: benchmarks/made.yaml"))
    rows = json.loads(bench("verify", "paper.yaml", "--json").out)
    assert [row["verdict"] for row in rows] == ["reproduced"] * 2


@pytest.mark.parametrize(
    ("paper", "claims"), [("urnn-2016", 43), ("momentum-2020", 18), ("hippo-2020", 18)]
)
def test_the_papers_claims_can_be_read_and_made(bench, paper, claims):
    assert paper in bench("list", "papers").out
    (bench.folder / "none").mkdir()
    rows = json.loads(bench("verify", paper, "--json", "--results", "none", code=5).out)
    assert len(rows) >= claims and {row["verdict"] for row in rows} == {"missing"}
    assert f"did you mean '{paper}'" in bench("verify", paper[:-1], code=2).err
