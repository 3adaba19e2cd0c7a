"""trials.jsonl: a line for every trial that has ended."""

import pytest

from urnn_bench.errors import DamagedRecordError
from urnn_bench.records import trials
from urnn_bench.records.lines import RecordsWarning


def made(number, **more):
    values = {"hidden": 8, "fit.optimizer.lr": 0.003, "unit": {"name": "gru"}}
    known = {
        "sampler": "tpe",
        "seed": 0,
        "trial": number,
        "model": "rgc",
        "label": "rgc @ hidden=8",
        "T": 8,
        "seeds": (0,),
        "values": values,
        "state": "complete",
        "updates": 200,
        "rungs": ((100, 0.91), (200, 0.1 + 0.2)),
        "loss": 0.1 + 0.2,
    }
    return trials.Trial.model_validate({**known, **more})


def test_what_is_appended_is_read_again(tmp_path):
    path = tmp_path / "new" / trials.TRIALS
    written = [made(0), made(1, state="failed", loss=None, rungs=(), reason="diverged")]
    for trial in written:
        trials.append(path, trial)
    assert trials.read(path) == written


def test_a_last_line_that_was_cut_short_is_left_out_and_replaced(tmp_path):
    path = tmp_path / trials.TRIALS
    trials.append(path, made(0))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-20])
    with pytest.warns(RecordsWarning, match="1 line cut short"):
        assert trials.read(path) == [made(0)]
    trials.append(path, made(1))
    assert [trial.trial for trial in trials.read(path)] == [0, 1]


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / trials.TRIALS
    for number in range(2):
        trials.append(path, made(number))
    path.write_bytes(b'{"sampler": "tpe"}\n' + path.read_bytes())
    with pytest.raises(DamagedRecordError, match="line 1: is not a trial") as error:
        trials.read(path)
    assert "\n" not in str(error.value)


def test_trials_of_a_search_are_those_of_its_sampler_seed_model_and_length():
    all_trials = [made(1), made(0), made(0, seed=1), made(0, T=9), made(0, sampler="random")]
    kept = trials.of_search(all_trials, made(0).search)
    assert [trial.trial for trial in kept] == [0, 1]


def test_no_file_has_no_trials(tmp_path):
    assert trials.read(tmp_path / trials.TRIALS) == []
