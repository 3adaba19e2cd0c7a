"""Too few files, too little memory, mirrors without end: one sentence, and what can go on does."""

import gc
import hashlib
import json
import os
import resource
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest
from contracts.user_files import CELL

from urnn_bench.data import fetch
from urnn_bench.kernels.native import threads

# each step asks for what cannot be had, by a real call that fails
HUNGRY = CELL.replace(
    "        (h,) = state\n        return (torch.tanh(h @ w.w_h.T + u),)\n",
    "        demand(self.options.demand)\n        return state\n",
)
HUNGRY += """

import mmap
import threading
from typing import Literal

import numpy
from urnn_bench.spec.types import Config

TOO_MUCH = 2**46


def many_threads():
    before = threading.stack_size(TOO_MUCH)
    try:
        threading.Thread(target=print).start()
    finally:
        threading.stack_size(before)


def wrapped():
    try:
        bytearray(TOO_MUCH)
    except MemoryError as error:
        raise ValueError("the cell cannot be built") from error


DEMANDS = {
    "python": lambda: bytearray(TOO_MUCH),
    "numpy": lambda: numpy.empty(TOO_MUCH, "uint8"),
    "torch": lambda: torch.empty(TOO_MUCH, dtype=torch.uint8),
    "system": lambda: mmap.mmap(-1, 2**50),
    "threads": many_threads,
    "wrapped": wrapped,
}


def demand(name):
    DEMANDS[name]()


class HungryOptions(Config):
    demand: str = "python"


Tanh.Options = HungryOptions
"""
DEMANDS = ("python", "numpy", "torch", "system", "threads", "wrapped")
TINY = "task: {name: copying, symbols: 3, recall: 2, validation_examples: 8, test_examples: 8}"
STARVED = f"""\
title: Cells that want too much
{TINY}
T: 4
hidden: 4
models:
{chr(10).join(f"  {name}: {{cell: {{name: hungry, demand: {name}}}}}" for name in DEMANDS)}
  rnn:
fit: {{steps: 1, batch: 2}}
"""
MANY = f"""\
title: Many runs
{TINY}
T: 4
hidden: 4
models:
  rnn:
fit: {{steps: 2, batch: 2}}
"""


@contextmanager
def files_left(count):
    """Let this process open so many more files; the limit is on their numbers, which have gaps."""
    gc.collect()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(name) for name in os.listdir("/dev/fd")}
    free = (number for number in range(soft) if number not in used)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, count, None)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def statuses(bench, benchmark):
    """Return the status and the reason of each run by its model."""
    records = [json.loads((f / "run.json").read_text()) for f in bench.runs(benchmark)]
    return {r["run"]["label"]: (r["status"], r["reason"]) for r in records}


def test_a_stack_is_as_large_as_the_limit_of_open_files_allows(bench):
    bench.write("benchmarks/many.yaml", MANY)
    with files_left(36):
        bench("run", "many", "--seeds", 12, "--stacked", "-q")
    records = [json.loads((f / "run.json").read_text()) for f in bench.runs("many")]
    assert [r["status"] for r in records] == ["done"] * 12
    # four files each, and some in reserve
    assert 2 <= max(r["sessions"][-1]["together"] for r in records) <= 6


def test_too_few_files_for_one_run_is_one_sentence(bench, attack):
    bench.write("benchmarks/many.yaml", MANY)
    bench("run", "many", "--seeds", 1, "-q")
    with files_left(2):
        said = bench("run", "many", "--seeds", 1, "--force", "-q", code=1).err
    assert "run.json: too many files are open" in said and said.count("\n") == 1
    assert "ulimit -n" in said and "--no-stacked" in said
    attack.tried("limits of open files")


def test_every_want_of_memory_is_oom_and_the_matrix_goes_on(bench, attack):
    bench.write("hungry.py", HUNGRY)
    bench.write("benchmarks/starved.yaml", STARVED)
    bench("run", "starved", "--seeds", 1, "--include", "hungry.py", "--kernel", "auto", code=3)
    found = statuses(bench, "starved")
    assert {name: status for name, (status, _) in found.items()} == {
        **dict.fromkeys(DEMANDS, "oom"),
        "rnn": "done",
    }
    assert all(reason for _, reason in found.values())
    attack.tried("wants of memory in a run", len(DEMANDS))


def test_no_thread_no_share_is_left_for_later():
    """It would write to memory that is no longer its own."""
    done = []
    threads._pool.cache_clear()
    before = threading.stack_size(2**46)
    try:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            threads.share_out(lambda first, _: done.append(first), 3, 3)
    finally:
        threading.stack_size(before)
    done.clear()
    threads.share_out(lambda first, _: done.append(10 + first), 3, 3)
    assert sorted(done) == [10, 11, 12]


TASK = '''\
"""A task that reads one file."""

from urnn_bench.data.store import DataSet
from urnn_bench.tasks._images import ImageOptions, ImageTask


class EndlessOptions(ImageOptions):
    shape = (4, 4)
    training_images = 60
    validation_examples: int = 20


class Endless(ImageTask):
    Options = EndlessOptions
    classes = 2
    data = DataSet(
        "endless", "made up", "none", mirrors=MIRRORS, files={{"file": {digest!r}}}, limit_mb=0.5
    )

    def load(self):
        raise NotImplementedError
'''
CONTENT = b"what should come"


class Handler(BaseHTTPRequestHandler):
    """Sends the file, much too much, a promise of too much, or a byte now and then."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.send_response(200)
        lengths = {"good": len(CONTENT), "promise": 10**12}
        if kind in lengths:
            self.send_header("Content-Length", str(lengths[kind]))
        self.end_headers()
        try:
            self.send_body(kind)
        except OSError:
            self.server.left.add(kind)

    def send_body(self, kind):
        if kind == "good":
            self.wfile.write(CONTENT)
        while kind == "endless" and self.server.sent < 64 * 2**20:
            self.wfile.write(bytes(2**16))
            self.server.sent += 2**16
        while kind == "slow" and not self.server.ended.wait(0.1):
            self.wfile.write(b"x")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.sent, server.left, server.ended = 0, set(), threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.ended.set()
        server.shutdown()


@pytest.fixture
def prepare(bench, server, monkeypatch, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def run(*kinds, code=0):
        mirrors = [f"http://127.0.0.1:{server.server_port}/{kind}/" for kind in kinds]
        text = TASK.format(digest=hashlib.sha256(CONTENT).hexdigest())
        bench.write("endless.py", text.replace("MIRRORS", repr(tuple(mirrors))))
        env = {"URNN_BENCH_DATA": str(bench.folder / "data")}
        done = bench("prepare", "endless", "--include", "endless.py", code=code, env=env)
        assert not list(temporary.iterdir())
        return done.err.splitlines()[-1]

    return run


def files(bench):
    return [path.name for path in (bench.folder / "data" / "endless").iterdir()]


@pytest.mark.parametrize("kind", ["endless", "promise"])
def test_a_download_stops_at_the_limit_of_its_data_set(bench, server, prepare, attack, kind):
    said = prepare(kind, code=2)
    assert "sent more than the limit_mb of its data set, 0.5" in said and "try again" in said
    assert files(bench) == [] and server.sent < 16 * 2**20
    attack.tried("mirrors that send too much")


def test_a_download_stops_when_it_takes_too_long(bench, prepare, attack, monkeypatch):
    """Each byte comes in time, so no read ever times out."""
    monkeypatch.setattr(fetch, "_TIME_LIMIT_S", 0.5)
    assert "not sent within 0.5 s" in prepare("slow", code=2)
    assert files(bench) == []
    attack.tried("mirrors that never end")


def test_after_a_mirror_without_end_the_next_one_is_asked(bench, prepare, monkeypatch):
    monkeypatch.setattr(fetch, "_TIME_LIMIT_S", 0.5)
    prepare("slow", "endless", "promise", "good")
    assert files(bench) == ["file"]


def old(path):
    """Make a file or a folder that was left long ago."""
    if path.suffix == ".part" and path.parent.name == "tmp":
        path.mkdir()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    os.utime(path, (0, 0))
    return path


def test_what_killed_downloads_left_is_tidied(bench, prepare, tmp_path):
    left = [
        old(tmp_path / "tmp/.urnn-bench-abcd1234.part"),
        old(bench.folder / "data/endless/.file.abcd.part"),
    ]
    prepare("good")
    assert not any(path.exists() for path in left) and files(bench) == ["file"]


def test_what_killed_runs_and_figures_left_is_tidied(bench):
    bench.record("lstm")
    folder = bench.folder / "results"
    left = [old(folder / ".writable-4711"), old(folder / ".writable-abcd.part")]
    bench("run", "tiny", "--model", "lstm", "--updates", 1, "-q")
    assert not any(path.exists() for path in left)
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]
    bench("plot", "tiny", "--figure", "learning_curves")
    (figure,) = (p for p in folder.rglob("*.png"))
    left = old(figure.with_name(f".{figure.name}.abcd.part"))
    others = old(figure.with_name(".of-another-program.abcd.part"))
    bench("plot", "tiny", "--figure", "learning_curves")
    assert not left.exists() and others.exists()


def test_a_link_in_the_place_of_the_test_file_is_not_followed(bench):
    target = bench.folder / "elsewhere"
    (bench.folder / "results").mkdir()
    (bench.folder / "results" / f".writable-{os.getpid()}").symlink_to(target)
    bench("run", "tiny", "--model", "lstm", "--updates", 1, "-q")
    assert not target.exists()
