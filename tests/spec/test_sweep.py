"""From a benchmark and a selection to runs, or to one sentence that says what is wrong."""

import pytest
import yaml

from urnn_bench.errors import SpecError, UnknownNameError
from urnn_bench.registry import Components
from urnn_bench.run import build
from urnn_bench.run.resolve import cell_options, resolve
from urnn_bench.spec import catalogue
from urnn_bench.spec.load import read
from urnn_bench.spec.overrides import parse_override
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts

GOOD = """\
title: t
task: {name: copying, symbols: 3, recall: 2}
T: {4: {}, 9: {steps: 50}}
seeds: [0, 1]
parameters: 900
models:
  urnn: {hidden: 8, fit: {clip: null}}
  lstm: {hidden: 5}
  big: {cell: {name: lstm, forget_bias: 2.0}, parameters: 2000}
fit:
  steps: 10
  clip: {value: 1.0}
  optimizer: {name: adam, lr: 1e-2}
"""
KNOWN = Components()


@pytest.fixture
def expand(tmp_path):
    def run(text=GOOD, settings=(), **selection):
        path = tmp_path / "b.yaml"
        path.write_text(text)
        chosen = Selection(settings=tuple(map(parse_override, settings)), **selection)
        checked = check_benchmark("b", read(path), chosen, KNOWN.cells.names())
        return [resolve(KNOWN, "b", d) for d in drafts(checked, chosen)]

    return run


def test_the_whole_matrix_with_seeds_outermost(expand):
    runs = expand()
    assert [(r.seed, r.T, r.label) for r in runs[:4]] == [
        (0, 4, "urnn"),
        (0, 4, "lstm"),
        (0, 4, "big"),
        (0, 9, "urnn"),
    ]
    assert len(runs) == 12 and len({r.slug for r in runs}) == 12


def test_overlays_of_models_and_lengths(expand):
    runs = {(r.label, r.T): r for r in expand(seeds=(0,))}
    assert runs["urnn", 4].fit.clip is None and runs["lstm", 4].fit.clip.value == 1.0
    assert runs["urnn", 4].fit.steps == 10 and runs["urnn", 9].fit.steps == 50
    assert runs["lstm", 4].fit.optimizer.name == "adam"
    assert runs["big", 4].cell.name == "lstm" and runs["big", 4].cell.options["forget_bias"] == 2.0
    assert runs["big", 4].hidden > runs["lstm", 4].hidden


def test_selection_replaces_and_unlisted_models_get_the_benchmark_s_budget(expand):
    runs = expand(lengths=(7,), models=("gru",), seeds=(5,))
    assert [(r.label, r.T, r.seed, r.fit.steps) for r in runs] == [("gru", 7, 5, 10)]
    assert build.count_parameters(KNOWN, runs[0]) <= 900


def test_a_setting_of_fit_holds_for_every_run(expand):
    assert {r.fit.steps for r in expand(settings=["fit.steps=3"])} == {3}
    assert {r.fit.clip.value for r in expand(settings=["fit.clip.value=2.0"])} == {2.0}
    one = expand(settings=["models.lstm.fit.steps=4"], seeds=(0,), lengths=(4,))
    assert {r.label: r.fit.steps for r in one} == {"urnn": 10, "lstm": 4, "big": 10}


def test_a_setting_of_the_size_holds_for_every_model(expand):
    assert {r.hidden for r in expand(settings=["hidden=7"])} == {7}
    budget = expand(settings=["parameters=700"], seeds=(0,))
    assert all(500 < build.count_parameters(KNOWN, r) <= 700 for r in budget)
    one = expand(settings=["models.big.hidden=3"], seeds=(0,), lengths=(4,))
    assert {r.label: r.hidden for r in one} == {"urnn": 8, "lstm": 5, "big": 3}


def test_the_whole_of_fit_or_a_default_can_be_set(expand):
    assert {r.fit.steps for r in expand(settings=["fit={steps: 3, batch: 2}"])} == {3}
    text = GOOD.replace("  optimizer: {name: adam, lr: 1e-2}\n", "")
    (run, *_) = expand(text, settings=["fit.optimizer.lr=0.5"])
    assert run.fit.optimizer.name == "rmsprop_paper" and run.fit.optimizer.lr == 0.5
    (run, *_) = expand(settings=["fit.optimizer.name=sgd", "fit.optimizer.momentum=0.5"])
    assert run.fit.optimizer.name == "sgd" and run.fit.optimizer.lr == 1e-3


def test_what_settings_come_to_is_the_last_for_every_path(expand):
    def settings(*given):
        return expand(settings=given)[0].settings

    assert settings("fit.steps=3", "fit.steps=4") == settings("fit={steps: 4}") == ("fit.steps=4",)
    assert settings("fit.steps=4", "fit.steps=3") == ("fit.steps=3",)
    mixed = settings("fit.optimizer={name: adam}", "fit.optimizer.name=sgd")
    assert mixed == ("fit.optimizer={'name': 'adam'}", "fit.optimizer.name=sgd")


def test_a_length_and_a_model_that_the_file_lacks_can_be_set(expand):
    (run,) = expand(settings=["T.7.steps=3"], lengths=(7,), models=("lstm",), seeds=(0,))
    assert run.fit.steps == 3
    settings = ["models.foo.cell=rnn", "models.foo.hidden=3"]
    (run,) = expand(settings=settings, lengths=(4,), models=("foo",), seeds=(0,))
    assert run.cell.name == "rnn" and run.label == "foo"


def test_lengths_given_as_a_list_can_be_set_too(expand):
    text = GOOD.replace("T: {4: {}, 9: {steps: 50}}", "T: [4, 9]")
    runs = expand(text, settings=["T.9.steps=7"], seeds=(0,), models=("lstm",))
    assert {r.T: r.fit.steps for r in runs} == {4: 10, 9: 7}


def test_settings_reach_lengths_cells_and_tasks(expand):
    runs = expand(
        settings=["T.9.steps=7", "models.urnn.cell.variant=code", "task.symbols=5"],
        lengths=(9,),
        models=("urnn",),
        seeds=(0,),
    )
    assert runs[0].fit.steps == 7 and runs[0].cell.options["eps"] == 1e-5
    assert runs[0].task.options["symbols"] == 5


def test_another_optimizer_does_not_inherit_the_options_of_the_first(expand):
    text = GOOD.replace("fit: {clip: null}", "fit: {optimizer: {name: sgd, momentum: 0.5}}")
    (run,) = expand(text, models=("urnn",), lengths=(4,), seeds=(0,))
    assert run.fit.optimizer.model_dump()["lr"] == 1e-3 and run.fit.optimizer.name == "sgd"


def test_identity_says_what_a_result_depends_on(expand):
    base, *others = (
        expand(settings=s, models=("lstm",), lengths=(4,), seeds=(0,))[0]
        for s in (
            [],
            ["fit.steps=11"],
            ["models.lstm.hidden=6"],
            ["task.recall=3"],
            ["models.lstm.cell.forget_bias=0.0"],
        )
    )
    assert len({base.identity, *(o.identity for o in others)}) == 5
    explicit = expand(
        settings=["models.lstm.cell.forget_bias=1.0"], models=("lstm",), lengths=(4,), seeds=(0,)
    )[0]
    assert explicit.identity == base.identity, "a default written out is the same run"
    assert type(base).model_validate_json(base.model_dump_json()) == base
    seeds = expand(models=("lstm",), lengths=(4,))
    assert len({r.identity for r in seeds}) == 2 and len({r.protocol for r in seeds}) == 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "  steps: 10",
            "  stpes: 10",
            "line 11: fit.stpes: unknown key 'stpes'; did you mean 'steps'?",
        ),
        ("  steps: 10", "  steps: [10]", "fit.steps: must be a whole number, not a list [10]"),
        ("  steps: 10", "  steps: true", "fit.steps: must be a whole number, not true"),
        ("  steps: 10", "  steps: 0", "fit.steps: must be at least 1, not 0"),
        ("  steps: 10", "  steps: 1e1", "fit.steps: must be a whole number, not 10.0"),
        ("lr: 1e-2", "lr: -1", "fit.optimizer.lr: must be greater than 0, not -1"),
        ("lr: 1e-2", "lr: .nan", "fit.optimizer.lr: "),
        ("name: adam", "name: adma", "fit.optimizer: 'adma' is none of "),
        ("clip: {value: 1.0}", "clip: {vlue: 1.0}", "did you mean 'value'?"),
        ("clip: {value: 1.0}", "clip: 1.0", "fit.clip: must be a mapping, not 1.0"),
        ("clip: null", "clp: null", "models.urnn.fit.clp: unknown key 'clp'; did you mean 'clip'?"),
        ("hidden: 8", "hidden: 0", "models.urnn.hidden: must be at least 1, not 0"),
        ("hidden: 8", "hidden: -3", "models.urnn.hidden: must be at least 1, not -3"),
        ("hidden: 5", "hidden: 5, parameters: 9", "models.lstm: give the size once"),
        ("parameters: 2000", "parameters: 2", "models.big: no width has as few as 2 parameters"),
        ("forget_bias: 2.0", "forget_bais: 2.0", "models.big.cell.forget_bais: unknown key"),
        (
            "name: lstm",
            "name: lsmt",
            "models.big.cell: no model is called 'lsmt'; did you mean 'lstm'?",
        ),
        ("name: copying", "name: copy", "task: no task is called 'copy'; did you mean 'copying'?"),
        ("symbols: 3", "symbols: 1", "task.symbols: must be at least 2, not 1"),
        ("symbols: 3", "symbls: 3", "task.symbls: unknown key 'symbls'; did you mean 'symbols'?"),
        ("symbols: 3", "T: 3", "task.T: lengths belong under the top-level key 'T'"),
        (
            "T: {4: {}, 9: {steps: 50}}",
            "T: [0]",
            "T: a length must be a whole number of at least 1, not 0",
        ),
        ("T: {4: {}, 9: {steps: 50}}", "T: -5", "T: a length must be a whole number of at least 1"),
        ("T: {4: {}, 9: {steps: 50}}", "T: long", "T: must be a length, a list of lengths"),
        ("9: {steps: 50}", "9: {stps: 50}", "T.9.stps: unknown key 'stps'; did you mean 'steps'?"),
        ("seeds: [0, 1]", "seeds: 3", "seeds: must be a list, not 3"),
        ("seeds: [0, 1]", "seeds: [-1]", "seeds.0: must be at least 0, not -1"),
        ("title: t\n", "", "the key 'title' is missing"),
        ("title: t", "titel: t", "unknown key 'titel'; did you mean 'title'?"),
        (
            "  urnn: {hidden: 8, fit: {clip: null}}",
            "  urnn: 5",
            "models.urnn: must be a mapping, not 5",
        ),
        ("clip: {value: 1.0}", "solved: {metric: acuracy, above: 1.0}", "has no metric 'acuracy'"),
        (
            "clip: {value: 1.0}",
            "solved: {metric: recall_accuracy}",
            "give either 'below' or 'above'",
        ),
    ],
)
def test_each_fault_gets_one_sentence_with_its_place(expand, old, new, sentence):
    assert old in GOOD
    with pytest.raises((SpecError, UnknownNameError)) as caught:
        expand(GOOD.replace(old, new))
    text = str(caught.value)
    assert "b.yaml" in text and sentence in text and "\n" not in text, text


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("fit.stepz=3", "--set fit.stepz=3: unknown key 'stepz'; did you mean 'steps'?"),
        ("fit.optimizer.lr=fast", "--set fit.optimizer.lr=fast: must be a number, not 'fast'"),
        ("fot.steps=3", "--set fot.steps=3: unknown key 'fot'; did you mean 'fit'?"),
        (
            "models.lstm.hiden=3",
            "--set models.lstm.hiden=3: unknown key 'hiden'; did you mean 'hidden'?",
        ),
        ("models.lstn.hidden=3", "--set models.lstn.hidden=3: no model is called 'lstn'"),
        ("fit.clip.vale=3", "--set fit.clip.vale=3: unknown key 'vale'; did you mean 'value'?"),
        ("fit.clip.norm=3", "fit.clip: give either 'value' or 'norm'"),
        ("task.source=x", "--set task.source=x: unknown key 'source'"),
        ("fit.optimizer.name=adm", "'adm' is none of "),
        ("models.urnn.cell.variant=[1]", "must be 'paper' or 'code', not a list [1]"),
        ("fit.steps=" + "9" * 5000, "is not a YAML value"),
        ("fit.steps.more=3", "--set fit.steps.more=3: there is nothing below 'steps' to set"),
        ("models.lstm.cell.forgetbias=1", "did you mean 'forget_bias'?"),
        ("fit.steps", "--set takes PATH=VALUE"),
        ("=3", "--set takes PATH=VALUE"),
        ("fit..steps=3", "--set takes PATH=VALUE"),
        ("fit.steps=[1", "is not a YAML value"),
    ],
)
def test_settings_that_cannot_be(expand, setting, sentence):
    with pytest.raises((SpecError, UnknownNameError)) as caught:
        expand(settings=[setting])
    assert sentence in str(caught.value), str(caught.value)


def test_an_unknown_model_gets_the_near_miss(expand):
    with pytest.raises(UnknownNameError, match="no model is called 'urn'; did you mean 'urnn'"):
        expand(models=("urn",))


@pytest.mark.parametrize("name", catalogue.names())
def test_every_benchmark_of_the_package_expands(name):
    checked = check_benchmark(*catalogue.find(name), Selection(), KNOWN.cells.names())
    runs = [resolve(KNOWN, name, d) for d in drafts(checked, Selection(), cell_options(KNOWN))]
    assert len(runs) == len({r.slug for r in runs})
    figures = {figure.name for figure in checked.benchmark.figures}
    assert figures and figures <= set(KNOWN.figures.names())
    assert yaml.safe_load(catalogue.names()[name].read_text())["title"] == checked.benchmark.title


MODELS = ("urnn", "lstm_paper", "rnn", "irnn")


def test_the_paper_s_settings_are_the_paper_s():
    """Sizes, batch, optimizer and clipping of sections 4 and 5, arXiv:1511.06464."""
    expected = {
        "paper/urnn-fig1": ((128, 40, 80, 80), [100, 200, 300, 500]),
        "paper/urnn-fig2": ((512, 128, 128, 128), [100, 200, 400, 750]),
    }
    for name, (sizes, lengths) in expected.items():
        checked = check_benchmark(*catalogue.find(name), Selection(), KNOWN.cells.names())
        runs = [resolve(KNOWN, name, d) for d in drafts(checked, Selection())]
        assert {r.label: r.hidden for r in runs} == dict(zip(MODELS, sizes, strict=True))
        assert sorted({r.T for r in runs}) == lengths
        for r in runs:
            clip = None if r.label == "urnn" else {"value": 1.0, "norm": None}
            assert r.fit.batch == 20
            assert r.fit.model_dump()["clip"] == clip
            assert r.fit.optimizer.model_dump() == {
                "name": "rmsprop_paper",
                "lr": 1e-3,
                "decay": 0.9,
                "initial": 1e-3,
                "accumulator": "square",
            }
