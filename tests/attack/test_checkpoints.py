"""Whatever is in the place of a checkpoint, it is taken only if it is this run's and possible."""

import io
import os
import random
import zipfile
from math import inf, nan

import pytest
import torch

from urnn_bench.records.environment import peak_mb, reset_peak
from urnn_bench.records.record import Record

RESUMABLE = ("run", "tiny", "--model", "lstm", "--steps", 20, "-q")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A command line with a run that was put aside after one update, and one of another model."""
    from conftest import TINY, CommandLine

    command = CommandLine(tmp_path_factory.mktemp("stopped"), tiny=TINY)
    command(*RESUMABLE, "--time-limit", 0, code=3)
    (folder,) = command.runs()
    good = {path: path.read_bytes() for path in folder.iterdir()}
    return command, folder, good


@pytest.fixture
def put_aside(stopped):
    """The same, as it was before any test."""
    command, folder, good = stopped
    for path in set(folder.iterdir()) - good.keys():
        path.unlink()
    for path, content in good.items():
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(content)
    return command, folder


def content(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def stored(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def refused(command, folder, *arguments):
    """Run; the checkpoint must be refused in one sentence with a command, and nothing changed."""
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    said = command(*RESUMABLE, *arguments, code=2)
    assert said.err.startswith("lstm T=4 seed 0: refused: ") and said.err.count("\n") == 1
    assert "--force" in said.err and "checkpoint.pt" in said.err
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before
    return said.err


def runs_code():
    class Code:
        def __reduce__(self):
            return os.mkdir, ("ran",)

    return stored(Code())


def bomb():
    """A zip file of a few kilobytes that says it holds 256 MB of zeros."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("archive/data.pkl", "w", force_zip64=True) as file,
    ):
        for _ in range(256):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def renamed():
    """A zip file with a name that is not UTF-8."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/däta.pkl", b"x")
    return buffer.getvalue().replace("ä".encode(), b"\xff\xff")


FILES = {
    "nothing": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"not a checkpoint"),
    "a name that is no text": lambda path: path.write_bytes(renamed()),
    "a pickle that runs code": lambda path: path.write_bytes(runs_code()),
    "a list": lambda path: path.write_bytes(stored([1, 2])),
    "3 GB": lambda path: os.truncate(path, 3 << 30),
    "a zip bomb": lambda path: path.write_bytes(bomb()),
    "a FIFO": lambda path: (path.unlink(), os.mkfifo(path)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "a broken link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_any_file_is_refused_before_much_of_it_is_read(put_aside, make, attack):
    command, folder = put_aside
    make(folder / "checkpoint.pt")
    reset_peak()
    before_mb = peak_mb()
    assert "the checkpoint is damaged" in refused_without_reading(command)
    assert peak_mb() is None or peak_mb() < before_mb + 100, "less than the bomb or the 3 GB"
    assert not (command.folder / "ran").exists(), "nothing in a checkpoint is executed"
    attack.tried("files in the place of a checkpoint")


def refused_without_reading(command):
    said = command(*RESUMABLE, code=2)
    assert said.err.count("\n") == 1 and "--force" in said.err
    return said.err


def test_truncated_and_flipped_bytes_are_refused(put_aside, attack):
    command, folder = put_aside
    path = folder / "checkpoint.pt"
    good, draw = path.read_bytes(), random.Random(0)
    expected = content(folder)
    taken = 0
    for _ in range(attack.size(20, 3000)):
        bad = bytearray(good)
        place = draw.randrange(len(bad))
        if draw.random() < 0.3:
            del bad[place:]
        else:
            bad[place] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        rows = command("run", "tiny", "--model", "lstm", "--steps", 20, "--dry-run", "--json").out
        if '"refused"' not in rows:
            # padding between entries, or times that nobody reads
            taken += 1
            assert same(content(folder), expected)
    attack.tried("checkpoints cut short or with a bit flipped", attack.size(20, 3000))


def same(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def at(*keys):
    """A change of the value at a place, as a function of the content and the value."""

    def change(value, new):
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = new

    return change


WEIGHT = "readout.bias"
CHANGES = [
    *((at("position", "step"), step) for step in (-5, 10**9, "1", True, nan, 1.0, 0, None, [1])),
    *((at("position", "train_s"), seconds) for seconds in (-1.0, nan, inf, "1")),
    *((at("position", "evaluated"), value) for value in (False, 1, "yes", None)),
    *((at("position", "loss_count"), count) for count in (-1, 10**9, 0.5)),
    *((at("position", "loss_sum"), value) for value in ("1", None, torch.zeros(2), {})),
    *((at("position", "best_step"), step) for step in (-1, 10**9, "0", None)),
    *((at("position", "best_value"), value) for value in (nan, inf, "0", None)),
    *((at("position", "best_weights"), value) for value in ({}, {"a": torch.zeros(1)}, [], None)),
    (at("position", "best_weights", WEIGHT), torch.zeros(99)),
    (at("position", "best_weights", WEIGHT), 1.0),
    (at("position", "state"), (torch.zeros(4, 6),)),
    (at("position", "state"), [1]),
    *((at("position", "solved_step"), step) for step in (-1, 10**9, "0", 1.5)),
    *(
        (at("position", "ended"), ending)
        for ending in (("done", ""), ("solved", ""), ("failed", ""), ("x", ""), "done", ("done",))
    ),
    (at("position", "more"), 1),
    (at("position"), None),
    (at("model", WEIGHT), torch.zeros(99)),
    (at("model", WEIGHT), torch.zeros(4, dtype=torch.float64)),
    (at("model", WEIGHT), torch.zeros(4).to_sparse()),
    (at("model", WEIGHT), torch.empty(4, device="meta")),
    (at("model", WEIGHT), "text"),
    (at("model", "another"), torch.zeros(1)),
    (at("model"), {}),
    (at("model"), []),
    (at("identity"), 5),
    (at("identity"), None),
    (at("identity"), "another"),
    (at("lengths"), {"metrics.csv": -1}),
    (at("lengths"), {"metrics.csv": "1"}),
    (at("lengths"), {"metrics.csv": 2**64}),
    (at("lengths"), {"metrics.csv": True}),
    (at("lengths"), None),
    (at("optimizer"), {}),
    (at("optimizer"), None),
    (at("optimizer", "state"), {}),
    (at("optimizer", "state"), None),
    (at("optimizer", "state", 99), {}),
    (at("optimizer", "state", 0), {"exp_avg": torch.zeros(1)}),
    (at("optimizer", "state", 0, "square"), torch.zeros(1)),
    (at("optimizer", "state", 0, "square"), None),
    (at("optimizer", "param_groups"), []),
    (at("optimizer", "param_groups"), None),
    (at("optimizer", "param_groups", 0, "lr"), 1e9),
    (at("optimizer", "param_groups", 0, "lr"), torch.zeros(3)),
    (at("optimizer", "param_groups", 0, "params"), [0]),
    (at("optimizer", "param_groups", 0), 1),
    (at("format"), 99),
    (at("format"), "2"),
    (at("format"), -1),
    (at("unknown"), 1),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_any_other_content_is_refused_and_never_taken(put_aside, number, attack):
    command, folder = put_aside
    change, new = CHANGES[number]
    value = content(folder)
    change(value, new)
    (folder / "checkpoint.pt").write_bytes(stored(value))
    refused(command, folder)
    attack.tried("checkpoints with a value replaced")


def places(value, prefix=()):
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield (*prefix, key)
        yield from places(inner, (*prefix, key))


def may_be_missing(keys):
    """Whether a checkpoint of another version, or of a network of another kind, lacks a key."""
    # format 1 had no such key, and a parameter without a gradient has no state
    return keys == ("format",) or (keys[:2] == ("optimizer", "state") and len(keys) == 3)


def test_any_missing_key_is_refused(put_aside, attack):
    command, folder = put_aside
    keys = [keys for keys in places(content(folder)) if not may_be_missing(keys)]
    for *parents, last in keys:
        value = content(folder)
        place = value
        for key in parents:
            place = place[key]
        del place[last]
        good = (folder / "checkpoint.pt").read_bytes()
        (folder / "checkpoint.pt").write_bytes(stored(value))
        refused(command, folder)
        (folder / "checkpoint.pt").write_bytes(good)
    attack.tried("checkpoints with a key missing", len(keys))


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop"])
def test_the_state_of_another_optimizer_is_refused(put_aside, name):
    command, folder = put_aside
    value = content(folder)
    parameters = [torch.nn.Parameter(tensor) for tensor in value["model"].values()]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}[name]
    optimizer = kind(parameters, lr=1e-3)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    value["optimizer"] = optimizer.state_dict()
    (folder / "checkpoint.pt").write_bytes(stored(value))
    refused(command, folder)


def test_the_other_runs_go_on_and_a_checkpoint_of_format_1_is_resumed(put_aside):
    command, folder = put_aside
    good = content(folder)
    (folder / "checkpoint.pt").write_bytes(b"")
    said = command("run", "tiny", "--steps", 20, "--results", "results", code=2)
    assert "lstm T=4 seed 0: refused: " in said.err and "urnn T=4 seed 0: done" in said.err
    assert "1 done, 1 refused" in said.err or "1 refused, 1 done" in said.err
    assert good.pop("format") == 2
    (folder / "checkpoint.pt").write_bytes(stored(good))
    command(*RESUMABLE)
    command(*RESUMABLE, "--results", "whole")
    (whole,) = (command.folder / "whole" / "tiny").iterdir()
    assert Record.read(folder).sessions[-1].from_step == good["position"]["step"]
    assert Record.read(folder).test == Record.read(whole).test
    for key in ("model", "optimizer"):
        assert same(content(folder)[key], content(whole)[key])


def test_a_newer_format_is_said(put_aside):
    command, folder = put_aside
    (folder / "checkpoint.pt").write_bytes(stored({**content(folder), "format": 3, "more": 1}))
    assert "the checkpoint is of a newer urnn-bench" in refused(command, folder)
