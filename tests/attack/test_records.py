"""Whatever is in the place of a record, the others are shown and nothing of it is overwritten."""

import copy
import json
import os
import shutil
import socket
from itertools import islice

import pytest

from urnn_bench.errors import DamagedRecordError
from urnn_bench.records.record import Record
from urnn_bench.spec.run import Run

# what JSON can hold where something else is expected
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**30,
    -(2**63) - 1,
    0.5,
    1e308,
    5e-324,
    "",
    "copying",
    "../../x",
    "/etc",
    "$\\frac{",
    "x\u0000y\n\u202e",
    "x" * 300,
    [],
    [1],
    {},
    {"T": "4"},
    {"a": {"a": None}},
)


METRICS = """\
step,examples,train_s,split,metric,value
10,200,0.1,train,cross_entropy_nat,0.3
10,200,0.1,validation,cross_entropy_nat,0.3
"""


def paths(value, prefix=()):
    """Every place in a JSON value, the inner ones too."""
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield (*prefix, key)
        yield from paths(inner, (*prefix, key))


def mutated(good):
    """Every copy of a record in which one value is replaced or deleted."""
    for *parents, last in paths(good):
        for value in (*VALUES, KeyError):
            mutant = copy.deepcopy(good)
            place = mutant
            for key in parents:
                place = place[key]
            if value is KeyError:
                del place[last]
            else:
                place[last] = value
            yield mutant


def signed(mutant):
    """A record whose identity is right again, and its folder's name; None if there is none."""
    try:
        run = Run.model_validate_json(json.dumps(mutant["run"]))
        return {**mutant, "identity": run.identity, "protocol": run.protocol}, run.slug
    except (KeyError, TypeError, ValueError):
        return None


def read(folder, text):
    """The record that a text is read as, None if it is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(text)
    try:
        return Record.read(folder)
    except DamagedRecordError:
        return None


@pytest.fixture
def good(bench):
    """A folder with a run of two models, and the content of one."""
    lstm = bench.record("lstm", test=0.2)
    bench.write(lstm / "metrics.csv", METRICS)
    folder = bench.record("urnn", solved_step=500, best_step=900, parameters=10)
    return json.loads((folder / "run.json").read_text()), folder.name


def test_a_record_with_any_value_replaced_is_left_out_or_shown(bench, good, attack):
    content, name = good
    tried, accepted = 0, []
    # a step that shares no factor with the number of values
    for mutant in islice(mutated(content), 0, None, attack.size(7, 1)):
        versions = [(mutant, name), signed(mutant)]
        for version, slug in filter(None, versions):
            tried += 1
            folder = (
                bench.folder / "tried" / "made" / slug[:255].replace("/", "-").replace("\0", "")
            )
            record = read(folder, json.dumps(version))
            if record is not None:
                accepted.append((version, folder.name))
    assert accepted and len(accepted) < tried
    shown(bench, accepted)
    step = max(1, len(accepted) // attack.size(12, 10**6))
    for i in range(0, len(accepted), step):
        bench("plot", f"m{i}", "--figure", "learning_curves", "--results", "many")
    attack.tried("records with a value replaced or deleted", tried)


def shown(bench, accepted):
    """Every accepted record is in what commands print, each in a benchmark of its own."""
    lstm = next(path for path in bench.runs("made") if path.name.startswith("lstm"))
    partner = json.loads((lstm / "run.json").read_text())
    for i, (version, slug) in enumerate(accepted):
        for content, name in ((version, slug), (partner, lstm.name)):
            moved = {**content, "run": {**content["run"], "benchmark": f"m{i}"}}
            assert read(bench.folder / "many" / f"m{i}" / name, json.dumps(moved))
        bench.write(f"many/m{i}/{lstm.name}/metrics.csv", METRICS)
    rows = bench("status", "--results", "many").out.splitlines()
    assert len(rows) == 1 + 2 * len(accepted)
    assert len(json.loads(bench("status", "--results", "many", "--json").out)) == 2 * len(accepted)
    assert len(json.loads(bench("table", "--results", "many", "--json").out)) >= len(accepted)
    bench("table", "--results", "many")
    shutil.copytree(bench.folder / "many", bench.folder / "copy")
    bench("compare", "many", "copy", "--json")


BYTES = {
    "no text": b"\xff\xfe\x00",
    "half": b'{"run": {',
    "nothing": b"",
    "a number": b"12",
    "a list": b"[]",
    "NaN": b'{"train_s": NaN}',
    "Infinity": b'{"train_s": Infinity}',
    "a surrogate": b'{"identity": "\\ud800"}',
    "deep": b"[" * 100_000,
    "deep and closed": b'{"run":' * 100_000 + b"1" + b"}" * 100_000,
    "a huge number": b'{"schema_version": 1' + b"0" * 5000 + b"}",
}


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_any_bytes_are_left_out_with_a_warning_that_names_the_file(bench, data, attack):
    others_are_shown(bench, lambda path: path.write_bytes(data))
    attack.tried("bytes in the place of a record")


@pytest.mark.parametrize("version", ["1", 10**30, True, 1.5, None, -1, 0, [1], 2, 99])
def test_a_record_of_another_version_is_left_out(bench, good, version):
    content, _ = good
    text = json.dumps({**content, "schema_version": version})
    if version is True:
        text = text.replace('"schema_version": 1', '"schema_version": true')
    others_are_shown(bench, lambda path: path.write_text(text))


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("1e999", "train_s"),
        ("-1e999", "train_s"),
        ("1e999", "lr"),
        ("1e999", "T"),
        ("1e999", "recall"),
    ],
)
def test_a_number_that_is_not_finite_is_left_out(bench, good, number, place):
    content, _ = good
    old = json.dumps(content)
    found = next(part for part in old.split(", ") if f'"{place}": ' in part)
    value = found.rpartition(": ")[2].rstrip("}")
    text = old.replace(f'"{place}": {value}', f'"{place}": {number}')
    assert text != old
    others_are_shown(bench, lambda path: path.write_text(text))


def large(path):
    path.write_bytes(b"{}")
    os.truncate(path, 2**31)


def made_socket(path):
    # a path of a socket may have a hundred characters only
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


SPECIAL = {
    "a FIFO": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "2 GB": large,
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
@pytest.mark.usefixtures("good")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_is_not_a_file_of_sane_size_is_left_out(bench, make, attack):
    path = others_are_there(bench, make)
    with pytest.raises(DamagedRecordError, match=r"run.json: cannot be read"):
        Record.read(path.parent)
    attack.tried("special files in the place of a record")


@pytest.mark.usefixtures("good")
def test_a_link_to_no_file_is_not_an_absent_record(bench):
    path = others_are_there(bench, lambda path: path.symlink_to("nowhere"))
    with pytest.raises(DamagedRecordError, match="a link to a file that is not there"):
        Record.read(path.parent)


def others_are_there(bench, make):
    """Put something in the place of the record of urnn; the other model is still shown."""
    (path,) = (p / "run.json" for p in bench.runs("made") if p.name.startswith("urnn"))
    whole = bench.folder / "whole"
    if not whole.exists():
        shutil.copytree(bench.folder / "results", whole)
    path.unlink()
    make(path)
    for command in (("status", "made"), ("table", "made"), ("compare", "results", "whole")):
        said = bench(*command)
        assert "lstm" in said.out and "urnn-T" not in said.out
    return path


def others_are_shown(bench, make):
    path = others_are_there(bench, make)
    said = bench("plot", "made", "--figure", "learning_curves")
    assert said.out.splitlines() == ["results/made/figures/learning_curves.png"]
    assert said.err.count("\n") == said.err.count(path.name) == 1


def test_a_copy_of_a_run_in_another_folder_is_not_counted_twice(bench, good):
    content, name = good
    assert read(bench.folder / "results/made" / "copy-of-it", json.dumps(content)) is None
    said = bench("status", "made")
    assert f"its folder should be called {name}" in said.err and len(said.out.splitlines()) == 3


@pytest.mark.parametrize(
    "benchmark", ["", ".", "..", "a/../made", "./made", "/made", "made/", "a//b"]
)
def test_a_benchmark_is_a_folder_below_the_results(bench, good, benchmark):
    content, name = good
    content["run"]["benchmark"] = benchmark
    assert read(bench.folder / "results" / "made" / name, json.dumps(content)) is None
    assert "urnn" not in bench("status").out


@pytest.mark.parametrize("damage", [b"{half", b'{"schema_version": 99}', b"[" * 10**5])
def test_a_damaged_record_refuses_its_run_only(bench, damage):
    bench("run", "tiny", "--model", "lstm", "-q")
    (folder,) = bench.runs()
    (folder / "run.json").write_bytes(damage)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    said = bench("run", "tiny", "-q", code=2)
    assert said.err.count("\n") == 1 and said.err.startswith("lstm T=4 seed 0: refused: ")
    command = "urnn-bench run tiny --model lstm --T 4 --seed 0 --force"
    # a newer record is not for replacing
    assert command in said.err or "update urnn-bench" in said.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert "urnn-T4" in bench("status").out
    rows = json.loads(bench("run", "tiny", "--dry-run", "--json").out)
    assert {row["model"]: row["state"] for row in rows} == {"urnn": "done", "lstm": "refused"}
    bench("run", "tiny", "--model", "lstm", "--force", "-q")
    assert Record.read(folder).status == "done"
