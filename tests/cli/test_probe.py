"""Probes through the command line: when they look, what they write, and that training is blind."""

import json

from urnn_bench.records import metrics, probes


def test_probes_write_curves_and_numbers_and_change_nothing(bench):
    plain = bench("run", "tiny", "--quiet") and bench.runs()
    bench("run", "tiny", "--probe", "--set", "probes.at=[0]", "--set", "probes.every=4", "--quiet")
    looked = [path for path in bench.runs() if path not in plain]
    assert len(looked) == 2, "what is looked into is a run of its own"
    for path in looked:
        rows = probes.read(path / "probes.csv")
        states = {"h", "c"} if path.name.startswith("lstm") else {"h"}
        assert {(r.step, r.state) for r in rows} == {(s, n) for s in (0, 4) for n in states}
        assert {r.probe for r in rows} == {"gradient_norm", "state_norm", "distance_to_last"}
        assert {r.t for r in rows} == set(range(1, 4 + 2 * 2 + 1))
        numbers = [r for r in metrics.read(path / "metrics.csv") if r.split == "probe"]
        assert {r.step for r in numbers} == {0, 4} and "lyapunov" in {r.metric for r in numbers}
        assert json.loads((path / "run.json").read_text())["probe_s"] > 0
        (twin,) = [p for p in plain if p.name.split("-")[0] == path.name.split("-")[0]]
        kept = [r for r in metrics.read(path / "metrics.csv") if r.split != "probe"]
        before = metrics.read(twin / "metrics.csv")
        assert [r._replace(train_s=0) for r in kept] == [r._replace(train_s=0) for r in before]


def test_probes_may_look_at_longer_sequences(bench):
    bench("run", "tiny", "--model", "urnn", "--probe", "--set", "probes.T=9", "--quiet")
    (path,) = bench.runs()
    assert max(r.t for r in probes.read(path / "probes.csv")) == 9 + 2 * 2


def test_a_wrong_probe_is_one_sentence(bench):
    said = bench("run", "tiny", "--set", "probes.read=[gradient_nrom]", code=2).err
    assert "gradient_nrom" in said and "did you mean 'gradient_norm'" in said
    said = bench("run", "tiny", "--set", "probes.evry=3", code=2).err
    assert "did you mean 'every'" in said


def test_describe_and_list_know_probes(bench):
    assert "Figure 4" in bench("describe", "gradient_norm").out
    assert "memory_horizon" in bench("list", "probes").out
