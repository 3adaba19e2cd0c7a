"""``urnn-bench kernels --forward --peer`` as it is typed."""

import json
import sys

import pytest

SMALL = ("--threads", 1, "--rounds", 2, "--steps", 12, "--batch", 30, "--hidden", 20)
PEER = ("kernels", "--forward", "--peer", "reservoirpy")


def test_a_peer_is_timed_on_the_first_sequences_beside_every_reservoir(bench):
    models = ("--model", "esn", "--model", "mring_esn", "--model", "gru")
    done = bench(*PEER, *models, *SMALL, "--json")
    rows = {(r["model"], r["kernel"]): r for r in json.loads(done.out)}
    for model in ("esn", "mring_esn"):
        peer, loop = rows[model, "reservoirpy"], rows[model, "eager"]
        assert (peer["batch"], loop["batch"]) == (8, 30) and peer["error"] < 1e-9
        assert peer["peer_ratio"] == peer["peer_ratio_low"] == 1
        # of paces: in a round the peer makes fewer steps
        ends = loop["peer_ratio_low"], loop["peer_ratio"], loop["peer_ratio_high"]
        assert [*ends] == sorted(ends) and loop["ratio"] == 1
        assert loop["steps_per_s_low"] <= loop["steps_per_s"] <= loop["steps_per_s_high"]
    assert rows["esn", "eager"]["first_ratio"] is None
    assert rows["mring_esn", "eager"]["first_ratio"] > 0
    assert rows["gru", "eager"]["peer_ratio"] is None
    assert rows["gru", "reservoirpy"]["obstacle"] == "it computes reservoirs alone"


def test_the_table_has_a_column_for_each_comparison(bench):
    done = bench(*PEER, "--model", "esn", *SMALL)
    columns = ["model", "kernel", "T", "B", "H", "steps/s", "range"]
    assert done.out.splitlines()[0].split("\t") == [*columns, "x eager", "x peer", "x first"]
    assert "over the first peer" in done.err


def test_nothing_but_a_peer_loads_one(bench):
    # what an earlier test has loaded
    kept = {n: sys.modules.pop(n) for n in [*sys.modules] if n.startswith("reservoirpy")}
    bench("kernels", "--forward", "--model", "esn", *SMALL)
    assert not any(name.startswith("reservoirpy") for name in sys.modules)
    sys.modules.update(kept)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--peer is timed forward on a CPU; add --forward and leave out --device"),
        (("--forward", "--peer", "reservoirpi"), "did you mean 'reservoirpy'"),
    ],
)
def test_wrong_peers_are_one_sentence(bench, arguments, said):
    done = bench("kernels", "--peer", "reservoirpy", *arguments, "--model", "esn", code=2)
    assert said in done.err and len(done.err.splitlines()) == 1


def test_a_peer_that_is_not_installed_is_named_with_what_installs_it(bench, monkeypatch):
    # uninstalling it here would take it from the other tests
    monkeypatch.setattr("urnn_bench.measure.peers.find_spec", lambda _: None)
    done = bench(*PEER, "--model", "esn", code=2)
    assert "reservoirpy is not installed; install it with `pip install reservoirpy`" in done.err
