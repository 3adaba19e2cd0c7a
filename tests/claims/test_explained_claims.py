"""`verify --claim`, the legend, and the records that a checkout comes with."""

import json

from made_up import CLAIMS, record_runs

from urnn_bench.claims.verdicts import VerdictName
from urnn_bench.cli.display.verdicts import MEANINGS


def test_a_claim_is_explained_seed_by_seed(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", CLAIMS)
    record_runs(bench, losses=(0.10, 0.17, 0.25))
    done = bench("verify", "paper.yaml", "--claim", "stuck", code=5)
    lines = done.out.splitlines()
    assert lines[0] == "claim: stuck" and "the paper says: It is stuck." in lines
    assert "measured: lstm: loss of the best weights on the test split, divided" in done.out
    assert "expected: above 0.9 (the paper's value is)" in lines
    assert lines[lines.index("seed\tlstm\tas expected") :][1:4] == [
        "0\t0.588\tno",
        "1\t1\tyes",
        "2\t1.47\tyes",
    ]
    assert "verdict: inconclusive" in lines and "verdict inconclusive: some seeds are" in done.err
    (row,) = json.loads(bench("verify", "paper.yaml", "--claim", "stuck", "--json", code=5).out)
    assert row["claim"] == "stuck" and len(row["values"]) == 3
    refused = bench("verify", "paper.yaml", "--claim", "stock", code=2).err
    assert "did you mean 'stuck'" in refused


def test_several_claims_are_explained_in_the_order_asked(bench):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", CLAIMS)
    record_runs(bench, losses=(0.10, 0.17, 0.25))
    done = bench("verify", "paper.yaml", "--claim", "stuck,solves", code=5)
    claims = [line for line in done.out.splitlines() if line.startswith("claim: ")]
    assert claims == ["claim: stuck", "claim: solves"]
    assert "verdict reproduced: " in done.err and "verdict inconclusive: " in done.err


def test_a_claim_of_another_paper_names_that_paper(bench):
    claim = "urnn-solves-copy-100"
    said = bench("verify", "momentum-2020", "--claim", claim, code=2).err
    assert f"is a claim of urnn-2016; try: urnn-bench verify urnn-2016 --claim {claim}" in said


def test_data_that_missing_runs_need_is_named(bench, monkeypatch):
    monkeypatch.setenv("URNN_BENCH_DATA", "nowhere")
    said = bench("verify", "hippo-2020", "--results", "elsewhere", code=5).err
    assert "there is no such folder" in said and "missing data" not in said
    (bench.folder / "empty").mkdir()
    said = bench("verify", "hippo-2020", "--results", "empty", code=5).err
    assert "missing data: mnist: " in said and "urnn-bench prepare mnist" in said


def test_the_legend_has_the_words_of_the_table(bench):
    assert {*MEANINGS} == {word.value for word in VerdictName}
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write("paper.yaml", CLAIMS)
    record_runs(bench, losses=(0.10, 0.17, 0.25))
    done = bench("verify", "paper.yaml", code=5)
    _, solves, stuck = done.out.splitlines()
    assert solves.endswith("\treproduced\t") and "3 seeds disagree" in stuck.split("\t")[-1]
    shown = [word for word in MEANINGS if f"verdict {word}: {MEANINGS[word]}\n" in done.err]
    assert shown == ["reproduced", "inconclusive"]


def test_the_committed_records_judge_what_own_runs_do_not(bench):
    claim = ("verify", "urnn-2016", "--claim", "urnn-solves-copy-100")
    said = bench(*claim)
    assert "results/paper/urnn-2016, as results has none" in said.err
    assert "verdict: reproduced" in said.out.splitlines()
    (bench.folder / "results/paper/urnn-fig1").mkdir(parents=True)
    own = bench(*claim)
    assert "results decides 0 of 1 claims, " in own.err and "--results results" in own.err
    assert "verdict: reproduced" in own.out.splitlines()
    alone = bench(*claim, "--results", "results", code=5)
    assert "verdict: missing" in alone.out.splitlines()
    assert "urnn-2016 has records of this paper" in alone.err
    nowhere = bench(*claim, "--results", "elsewhere", code=5).err
    assert "urnn-2016 has records of this paper" in nowhere
