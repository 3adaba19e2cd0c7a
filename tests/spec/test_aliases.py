"""A setting changes what it names, and nothing that a YAML alias has in common with it."""

import json

import pytest

from urnn_bench.registry import Components
from urnn_bench.spec.load import read
from urnn_bench.spec.overrides import parse_override
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts

COMMON = """\
title: Models and lengths that have their settings in common
task: {name: copying, symbols: 3, recall: 2}
T: {4: &length {steps: 4, clip: {value: 1.0}}, 5: *length, 6: {<<: *length, steps: 5}}
seeds: [0]
models:
  rnn: &common {hidden: 16, fit: &fit {optimizer: &optimizer {name: rmsprop_paper, lr: 1e-3}}}
  lstm: *common
  gru: {<<: *common}
  irnn: {hidden: 8, fit: *fit}
  urnn: {hidden: 8, fit: {optimizer: *optimizer}}
fit: {steps: 3, batch: 4, log_every: 2, evaluate_every: 2}
"""


@pytest.fixture
def planned(bench):
    """The model and the fit of every run of a matrix, by its label and length."""
    path = bench.write("common.yaml", COMMON)

    def plan(*settings):
        selection = Selection(settings=tuple(map(parse_override, settings)))
        checked = check_benchmark("common", read(path), selection, Components().cells.names())
        return {(d.label, d.T): (d.model.hidden, d.fit) for d in drafts(checked, selection)}

    return plan


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("models.rnn.hidden=32", {"rnn"}),
        ("models.lstm.hidden=32", {"lstm"}),
        ("models.gru.fit.optimizer.lr=0.5", {"gru"}),
        ("models.rnn.fit.optimizer.lr=0.5", {"rnn"}),
        ("models.rnn.fit.optimizer.name=adam", {"rnn"}),
        ("models.irnn.fit.clip.value=2.0", {"irnn"}),
        ("models.urnn.fit.optimizer.decay=0.5", {"urnn"}),
        ("T.4.steps=9", {4}),
        ("T.5.clip.value=3.0", {5}),
        ("T.6.clip.value=3.0", {6}),
    ],
)
def test_a_setting_of_one_model_or_length_changes_no_other(planned, setting, changed):
    before, after = planned(), planned(setting)
    assert {run for run in before if before[run] != after[run]} == {
        run for run in before if changed & {*run}
    }


def test_what_one_setting_gives_to_two_models_is_set_for_one(planned):
    both = "models={rnn: &m {hidden: 4, fit: {steps: 7}}, lstm: *m}"
    after = planned(both, "models.rnn.hidden=5", "models.rnn.fit.steps=8")
    assert {(label, hidden, fit.steps) for (label, _), (hidden, fit) in after.items()} == {
        ("rnn", 5, 8),
        ("lstm", 4, 7),
    }


def test_run_trains_what_it_says_for_an_alias(bench):
    path = bench.write("common.yaml", COMMON)
    rows = bench("run", path, "--T", 4, "--set", "models.rnn.hidden=32", "--dry-run", "--json").out
    hidden = {row["model"]: row["hidden"] for row in json.loads(rows)}
    assert hidden == {"rnn": 32, "lstm": 16, "gru": 16, "irnn": 8, "urnn": 8}


def test_a_mapping_may_be_merged_before_it_is_built(bench):
    text = "b: &b {x: 2}\nm: {r: {deep: &c {<<: *b, x: 1, z: 3}}}\ns: {<<: *c, y: 1}\n"
    mapping = read(bench.write("merged.yaml", text)).mapping
    assert mapping["m"] == {"r": {"deep": {"x": 1, "z": 3}}}
    assert mapping["s"] == {"x": 1, "z": 3, "y": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &a {x: 1}\nb: {<<: *a, <<: *a}", "2: the key '<<' is given twice; merge a list"),
        ("a: &a {x: 1}\nb: &a {x: 2}", "2: an anchor of that name is given above"),
        ("a: 1\n---\nb: 2", "2: a second document begins"),
        ("a: &a {x: 1, y: {<<: {z: 1}, <<: {z: 2}}}\nb: {<<: *a}", "1: the key '<<' is given"),
    ],
)
def test_what_would_be_ambiguous_is_refused_with_its_line(bench, text, problem):
    path = bench.write("twice.yaml", text)
    assert problem in bench("run", path, "--dry-run", code=2).err
