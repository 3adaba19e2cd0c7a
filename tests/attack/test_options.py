"""Any value at any key of a benchmark: a run comes of it, or one short sentence."""

import json
import random
import re
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.cells.base import Cell
from urnn_bench.claims.schema import Paper, load_paper
from urnn_bench.errors import UrnnBenchError
from urnn_bench.figures.base import Figure
from urnn_bench.probes.base import Probe
from urnn_bench.registry import Components
from urnn_bench.run.matrix import check_figures
from urnn_bench.run.resolve import resolve
from urnn_bench.spec import catalogue
from urnn_bench.spec.fit import Fit, Optimizer
from urnn_bench.spec.load import read
from urnn_bench.spec.overrides import parse_override
from urnn_bench.spec.run import Probes, Run
from urnn_bench.spec.sweep import Selection, check_benchmark, drafts
from urnn_bench.tasks.base import Task
from urnn_bench.text import line

KNOWN = Components()
LONGEST = 500
# words of Python or of pydantic in a sentence for people who write YAML
FOREIGN = ("Value error", "Input should", "Traceback", "[Errno", "<class", "Error:")
PYTHON_MAPPING = re.compile(r"\{'\w*': ")

# YAML of every kind of value, in a form that fits between brackets
ODD = (
    *("null", "true", "false", "~", '""', "''", "[]", "{}", "[[]]", "[{}]", "{a: {b: {c: []}}}"),
    *("0", "-1", "1", "2", "3", "7", "-0.0", "0.5", "1.0", "1e-300", "1e-60", "1e300", "1e999"),
    *(".inf", "-.inf", ".nan", "9223372036854775807", "9223372036854775808", "1" + "0" * 200),
    *("-1" + "0" * 250, "9" * 5000, "012", "0x1F", "²", "٣", "½", "1_000", "2024-01-01", "10:30"),
    *("!!binary aGk=", "!!bool maybe", "!!timestamp x", "!!set {a}", "!!float x", "!!int ''"),
    *("!!python/name:os.system", "!!str 5", "!!null x", "!!omap [{a: 1}]", "!mine x"),
    *("&a [*a]", "&a {b: *a}", "*none", "{<<: 5}", "{<<: [{a: 1}]}", "{null: 1}", "{true: 1}"),
    *(
        "{1.5: 1}",
        "{name: 5}",
        "{name: [x]}",
        "{name: {}}",
        "{options: 5}",
        "{name: x, options: 5}",
    ),
    *("{name: x, options: {1: 2}}", "{source: x}", r'"\ud800"', r'"\0"', r'"a\nb"', r'"\e[2J"'),
    *(
        "arjovsky",
        "[arjovsky]",
        "{arjovsky: 1}",
        "adam",
        "{adam: 1}",
        "x" * 3000,
        '"' + "é" * 300 + '"',
    ),
    *("[" + "1, " * 3000 + "1]", "{" + ", ".join(f"k{i}: {i}" for i in range(500)) + "}"),
    *("[" * 60 + "]" * 60, "[1, 1]", "[0, -1]", "[null]", "[[1, 2], [3]]", "{1: [[1, 2]]}"),
)

BASE = """\
title: t
task: {name: %(task)s%(task_options)s}
T: %(T)s
models:
  a: {cell: {name: %(cell)s%(cell_options)s}, hidden: 4}
fit: {%(fit)s}
probes: {%(probes)s}
figures: [%(figures)s]
"""
PLAIN = {
    "task": "copying",
    "task_options": "",
    "T": "4",
    "cell": "lstm",
    "cell_options": "",
    "fit": "",
    "probes": "",
    "figures": "",
}


def runs_of(path, settings=()):
    """Return the runs of a file, as ``urnn-bench run`` makes them before the first is trained."""
    chosen = Selection(settings=tuple(map(parse_override, settings)))
    checked = check_benchmark("b", read(path), chosen, KNOWN.cells.names())
    check_figures(KNOWN, checked)
    return [resolve(KNOWN, "b", draft) for draft in drafts(checked, chosen)]


def runs_or_sentence(path, settings=()):
    try:
        runs = runs_of(path, settings)
    except UrnnBenchError as error:
        for sentence in error.sentences:
            assert_is_a_sentence(sentence)
        return str(error)
    assert all(isinstance(run, Run) and run.identity and run.slug for run in runs)
    return runs


def assert_is_a_sentence(text):
    assert line(text) == text and 10 < len(text) < LONGEST, (len(text), text[:600])
    assert not [word for word in FOREIGN if word in text], text
    assert not PYTHON_MAPPING.search(text), text


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / "b.yaml"

    def write(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        return path

    return write


# where the options of each kind of component stand in the file
COMPONENTS = (
    (KNOWN.cells, Cell, {"cell": "NAME", "cell_options": ", KEY: VALUE"}),
    (KNOWN.tasks, Task, {"task": "NAME", "task_options": ", KEY: VALUE", "T": "784"}),
    (KNOWN.tasks, Task, {"task": "NAME", "task_options": ", KEY: VALUE", "T": "64"}),
    (KNOWN.figures, Figure, {"figures": "{name: NAME, KEY: VALUE}"}),
    (KNOWN.probes, Probe, {"probes": "read: [{name: NAME, KEY: VALUE}]"}),
)
OPTIMIZERS = {m.model_fields["name"].annotation: m for m in get_args(get_args(Optimizer)[0])}


def filled(template, name, key):
    words = {"NAME": name, "KEY": key}
    return {k: re.sub("NAME|KEY", lambda m: words[m.group()], v) for k, v in template.items()}


def places():
    """Return where every option of every component, of fit and of probes stands in the file."""
    for registry, base, template in COMPONENTS:
        for name in registry.names():
            for key in registry.get(name, base).Options.model_fields:
                yield filled(template, name, key)
    for names, model in OPTIMIZERS.items():
        for name, key in product(get_args(names), model.model_fields):
            yield filled({"fit": "optimizer: {name: NAME, KEY: VALUE}"}, name, key)
    for key in Fit.model_fields:
        yield {"fit": f"{key}: VALUE"} if key == "steps" else {"fit": f"steps: 9, {key}: VALUE"}
    for key in Probes.model_fields:
        yield {"probes": f"{key}: VALUE"}


OTHER_PLACES = (
    *({"fit": f"clip: {{{key}: VALUE}}"} for key in ("value", "norm")),
    {"fit": "solved: {metric: VALUE, above: 0}"},
    {"fit": "solved: {metric: recall_accuracy, above: VALUE}"},
    {"fit": "optimizer: {name: VALUE}"},
    *({key: "VALUE"} for key in ("task", "T", "cell", "figures")),
)
PLACES = [*places(), *OTHER_PLACES]


def text_of(place, value):
    return BASE % {**PLAIN, **{key: text.replace("VALUE", value) for key, text in place.items()}}


def test_every_option_takes_or_refuses_every_kind_of_value(file, attack):
    values = random.Random(0)
    tried = 0
    for place in PLACES:
        for value in values.sample(ODD, attack.size(3, len(ODD))):
            runs_or_sentence(file(text_of(place, value)))
            tried += 1
    attack.tried("values of wrong kinds at every option of every component", tried)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(place=st.sampled_from(PLACES), value=JSON)
def test_an_option_takes_or_refuses_any_json(file, place, value):
    runs_or_sentence(file(text_of(place, json.dumps(value))))


TOP = ("title", "paper", "task", "T", "seeds", "models", "hidden", "parameters", "fit", "grid")
TOP = (*TOP, "together", "probes", "figures")


@pytest.mark.parametrize("key", TOP)
def test_every_key_of_a_file_takes_or_refuses_every_kind_of_value(file, attack, key):
    lines = (BASE % PLAIN).splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.startswith(f"{key}:")] or [len(lines)]
    end = starts[0] + (2 if key == "models" else 1)
    values = random.Random(key).sample(ODD, attack.size(40, len(ODD)))
    for value in values:
        text = "".join([*lines[: starts[0]], f"{key}: {value}\n", *lines[end:]])
        runs_or_sentence(file(text))
    attack.tried("values of wrong kinds at every key of a benchmark", len(values))


SMALL = ("task.symbols", "models.a.cell", "models.a", "models", "fit", "fit.optimizer", "T.4", "T")
SMALL = (*SMALL, "T.²", "T.٣", "fit.solved.below", "probes.at", "probes.read.0", "seeds.0", "x")
SMALL = (*SMALL, "title.x", "fit.steps.x", "grid", "grid.lr", "models.a.fit.clip", "figures", "T.")
SMALL = (*SMALL, "task.options.x", "models.a.cell.options", "T." + "9" * 5000, "a" * 3000, "\udc80")


@given(
    st.sampled_from(SMALL) | st.text(max_size=30),
    st.sampled_from(ODD) | JSON.map(json.dumps) | st.text(max_size=30),
)
def test_any_setting_is_taken_or_refused(file, path, value):
    runs_or_sentence(file(BASE % PLAIN), [f"{path}={value}"])


def test_every_odd_setting_is_taken_or_refused(file, attack):
    chosen = random.Random(1)
    path = file(BASE % PLAIN)
    pairs = [(key, value) for key in SMALL for value in ODD]
    pairs = chosen.sample(pairs, attack.size(400, len(pairs)))
    for key, value in pairs:
        runs_or_sentence(path, [f"{key}={value}"])
    attack.tried("settings of the command line of any path and value", len(pairs))


def mutated(text, rng):
    """Return a benchmark with a line lost, doubled or moved, a value swapped, or a byte changed."""
    lines = text.splitlines(keepends=True)
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(6)
    if kind == 0:
        del lines[i]
    elif kind == 1:
        lines.insert(j, lines[i])
    elif kind == 2:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 3:
        key, colon, _ = lines[i].partition(": ")
        lines[i] = f"{key}{colon}{rng.choice(ODD)}\n"
    elif kind == 4:
        lines[i] = " " + lines[i]
    data = bytearray("".join(lines).encode())
    if kind == 5:
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


SMALL_FILES = ("smoke", "digits", "copy", "map-copy", "momentum/adding", "momentum/pdigits")


def test_damaged_benchmarks_are_taken_or_refused(file, attack):
    rng, tried = random.Random(2), attack.size(60, 3000)
    texts = [catalogue.names()[name].read_text() for name in SMALL_FILES]
    for _ in range(tried):
        runs_or_sentence(file(mutated(rng.choice(texts), rng)))
    attack.tried("benchmark files with damaged lines and bytes", tried)


CLAIMS = """\
title: t
paper: p
quick: [one]
claims:
  one:
    figure: "1, T=100"
    says: "It solves it."
    source: "the text"
    reference: {value: 350, error: 50, unit: updates}
    needs: {benchmark: smoke, model: urnn, T: 10, updates: 20, seeds: 2}
    quantity: {of: solved_step}
    expect: {below: 800}
  two:
    figure: "2"
    says: "It is ahead."
    source: "the text"
    reference: {value: less}
    needs: {benchmark: smoke, model: urnn, against: lstm, controls: [rnn], T: 10}
    quantity: {of: validation, metric: recall_accuracy, best: highest, until: 20}
    expect: {above: 0.1, below: 1}
  three:
    figure: "3"
    says: "Its gradient stays."
    source: "the text"
    reference: {value: 1.5}
    needs: {benchmark: smoke, model: urnn, T: 10}
    quantity: {of: probe, probe: gradient_norm, state: h, update: 5, t: 1, over: -1}
    expect: {every: true}
"""
CLAIMS = CLAIMS.replace("{every: true}", "{below: 3}")


def test_damaged_claims_are_taken_or_refused(file, attack):
    rng, tried = random.Random(3), attack.size(150, 4000)
    assert isinstance(load_paper(str(file(CLAIMS))), Paper)
    for _ in range(tried):
        text = mutated(CLAIMS, rng)
        if rng.random() < 0.5:
            value = rng.choice([*re.finditer(r"(?<=: )[^\n{]+?(?=[,}])", CLAIMS)])
            text = CLAIMS[: value.start()] + rng.choice(ODD) + CLAIMS[value.end() :]
        try:
            assert isinstance(load_paper(str(file(text))), Paper)
        except UrnnBenchError as error:
            assert_is_a_sentence(str(error))
    attack.tried("files of claims with damaged lines and bytes", tried)
