"""Runs killed at random moments and started again end to the byte as if nothing had happened."""

import pytest
from attack.kills import Attacker, content, resumed

# two models with a kernel in C, and enough updates for a checkpoint in the middle of a run
MATRIX = (
    "run",
    "tiny",
    "--model",
    "urnn",
    "--model",
    "lstm",
    "--updates",
    800,
    "--probe",
    "--set",
    "probes.every=100",
    "--set",
    "fit.evaluate_every=100",
)

WAYS = {
    "one by one": ((), 1),
    "in a stack": (("--seeds", 2, "--stacked"), 1),
    "by three processes in one folder": (("--seeds", 2), 3),
}


@pytest.mark.parametrize("way", WAYS)
def test_runs_killed_at_random_end_as_if_nothing_had_happened(way, bench, attack):
    options, processes = WAYS[way]
    bench(*MATRIX, *options, "--results", "uninterrupted", "-q")
    expected = content(bench.folder / "uninterrupted")
    kills = resumes = 0
    for seed in range(attack.size(1, 30)):
        results = bench.folder / f"results-{seed}"
        attacker = Attacker(bench.folder, (*MATRIX, *options, "--results", results), seed)
        attacker.kill_after_a_checkpoint(results)
        while attacker.kills < attack.size(3, 12):
            attacker.kill(processes)
        attacker.finish()
        assert content(results) == expected
        kills += attacker.kills
        resumes += resumed(results)
    assert resumes, "no kill came between a checkpoint and the end of a run"
    attack.tried(f"kills of a matrix that is trained {way}", kills)
