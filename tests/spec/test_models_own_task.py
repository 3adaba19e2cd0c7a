"""Models of one benchmark that change its task, or have stages of their own."""

import pytest

from urnn_bench.errors import SpecError, UnknownNameError
from urnn_bench.registry import Components
from urnn_bench.run.resolve import cell_options, resolve
from urnn_bench.spec.load import read
from urnn_bench.spec.overrides import parse_override, summary
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts

MIXED = """\
title: t
task: {name: copying, symbols: 3, recall: 2}
T: [4]
hidden: 6
models:
  lstm: {stages: []}
  more: {cell: {name: lstm}, stages: [], task: {symbols: 5}}
  rnn:
  gru:
    stages:
      - {name: short, task: {T: 3}, fit: {steps: 2}}
      - {name: rest, fit: {steps: 7}}
stages:
  - {name: short, task: {T: 2}, fit: {steps: 4}}
  - {name: long, fit: {steps: 5}}
fit: {steps: 9, batch: 4}
"""
KNOWN = Components()


@pytest.fixture
def expand(tmp_path):
    def run(text=MIXED, settings=(), **selection):
        path = tmp_path / "b.yaml"
        path.write_text(text)
        chosen = Selection(settings=tuple(map(parse_override, settings)), **selection)
        checked = check_benchmark("b", read(path), chosen, KNOWN.cells.names())
        found = drafts(checked, chosen, cell_options(KNOWN))
        return {draft.label: resolve(KNOWN, "b", draft) for draft in found}

    return run


def symbols(runs):
    return {label: run.task.options["symbols"] for label, run in runs.items()}


def updates(runs):
    return {
        label: [(s.name, s.fit.steps) for s in run.stages] or run.fit.steps
        for label, run in runs.items()
    }


def test_models_have_their_own_task_and_stages(expand):
    runs = expand()
    assert symbols(runs) == {"lstm": 3, "more": 5, "rnn": 3, "gru": 3}
    assert updates(runs) == {
        "lstm": 9,
        "more": 9,
        "rnn": [("short", 4), ("long", 5)],
        "gru": [("short", 2), ("rest", 7)],
    }
    assert [s.task.T for s in runs["gru"].stages] == [3, 4]


def test_a_run_does_not_say_who_changed_its_task(expand):
    """It is the run of a benchmark whose task is like that for all, with its identity."""
    of_model = expand()["more"]
    of_all = expand(MIXED.replace("symbols: 3", "symbols: 5").replace(", task: {symbols: 5}", ""))
    assert of_all["more"].identity == of_model.identity != of_all["lstm"].identity
    without = MIXED.partition("stages:\n  - ")[0].replace("{stages: []}", "")
    assert (
        expand()["lstm"].identity
        == expand(without + "fit: {steps: 9, batch: 4}\n")["lstm"].identity
    )


def test_a_stage_changes_the_model_s_task(expand):
    text = MIXED.replace("  rnn:\n", "  rnn: {task: {symbols: 4}}\n")
    assert [stage.task.options["symbols"] for stage in expand(text)["rnn"].stages] == [4, 4]


def test_the_grid_and_a_setting_win_over_a_model(expand):
    gridded = expand(MIXED + "grid: {task.symbols: [6, 7]}\n")
    assert symbols(gridded) == {
        f"{label} @ symbols={count}": count
        for label in ("lstm", "more", "rnn", "gru")
        for count in (6, 7)
    }
    assert {*symbols(expand(settings=["task.symbols=8"])).values()} == {8}
    of_one = symbols(expand(settings=["task.symbols=8", "models.lstm.task.symbols=6"]))
    assert of_one == {"lstm": 6, "more": 8, "rnn": 8, "gru": 8}
    whole = expand(settings=["task={name: copying, symbols: 9, recall: 2}"])
    assert {*symbols(whole).values()} == {9}


def test_a_setting_of_a_stage_holds_wherever_there_is_one(expand):
    one = updates(expand(settings=["stages.short.fit.steps=1"]))
    assert one["rnn"][0] == one["gru"][0] == ("short", 1) and one["lstm"] == 9
    assert updates(expand(settings=["stages.rest.fit.steps=1"]))["rnn"][1] == ("long", 5)
    own = updates(expand(settings=["models.gru.stages.short.fit.steps=3"]))
    assert own["gru"][0] == ("short", 3) and own["rnn"][0] == ("short", 4)
    batches = expand(settings=["fit.batch=3"]).values()
    assert {s.fit.batch for run in batches for s in run.stages} == {3}
    every = updates(expand(settings=["stages=[{name: one, fit: {steps: 2}}]"]))
    assert {*map(tuple, every.values())} == {(("one", 2),)}


def test_one_number_of_updates_is_for_models_without_stages(expand):
    assert updates(expand(settings=["fit.steps=3"], models=("lstm", "more"))) == {
        "lstm": 3,
        "more": 3,
    }
    with pytest.raises(SpecError, match=r"'rnn' trains .* stages\.long\.fit\.steps=3, or leave"):
        expand(settings=["fit.steps=3"])
    with pytest.raises(SpecError, match=r"benchmark trains .* models\.gru\.stages\.rest\.fit"):
        expand(settings=["fit.steps=3"], models=("gru",))


BAD = {
    "models.more.task.T=3": "models.more.task.T=3: lengths belong under the top-level key 'T'",
    "models.more.task.name=adding": "a model changes options of the benchmark's task, 'copying',",
    "models.more.task=adding": "must be a mapping, not 'adding'",
    "models.more.task.symbls=3": "--set models.more.task.symbls=3: unknown key 'symbls'; did you",
    "models.lstm.stages.rest.fit.steps=3": "no stage is called 'rest'",
    "models.rnn.stages.long.fit.steps=3": "'rnn' has no stages of its own to change",
    "models.gru.stages.rst.fit.steps=3": "the model 'gru': no stage is called 'rst'; did you mean",
    "stages.rst.fit.steps=3": "no stage is called 'rst'; did you mean 'rest'?",
    "stages.rest.fit.stps=3": "--set stages.rest.fit.stps=3: unknown key 'stps'; did you mean",
    "stages.rest.task.symbls=3": "--set stages.rest.task.symbls=3: unknown key 'symbls'",
    "models.gru.stages=3": "models.gru.stages=3: must be a list of stages, not 3",
}


@pytest.mark.parametrize("setting", BAD)
def test_a_bad_setting_is_one_sentence(expand, setting):
    with pytest.raises((SpecError, UnknownNameError)) as error:
        expand(settings=[setting])
    assert BAD[setting] in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{symbols: 5}", "{symbls: 5}", "b.yaml, line 7: models.more.task.symbls: unknown key"),
        ("{steps: 7}", "{stps: 7}", "line 12: models.gru.stages.rest.fit.stps: unknown key"),
        ("task: {T: 3}", "task: {t: 3}", "line 11: models.gru.stages.short.task.t: unknown key"),
        ("symbols: 3", "symbls: 3", "b.yaml, line 2: task.symbls: unknown key 'symbls'"),
        ("T: [4]", "T: [4]\ngrid: {task.symbls: [4]}", "b.yaml, line 4: grid.task.symbls: unknown"),
    ],
)
def test_a_fault_has_the_place_where_it_was_written(expand, old, new, says):
    with pytest.raises(SpecError) as error:
        expand(MIXED.replace(old, new), models=("more", "gru"))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (["models.a.task.k=1", "task.k=2"], ["task.k=2"]),
        (["task.k=2", "models.a.task.k=1"], ["models.a.task.k=1", "task.k=2"]),
        (["models.a.stages.s.fit.lr=1", "fit.lr=2"], ["fit.lr=2"]),
        (["models.a.stages.s.fit.lr=1", "stages.s.fit.lr=2"], ["stages.s.fit.lr=2"]),
        (["stages.s.task.k=1", "task.k=2"], ["stages.s.task.k=1", "task.k=2"]),
        (["grid.task.k=[1]", "task=copying"], ["task=copying"]),
    ],
)
def test_settings_that_a_later_one_replaces_are_forgotten(settings, kept):
    assert list(summary([*map(parse_override, settings)])) == kept
