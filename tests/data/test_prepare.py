"""Data from real servers on this machine to a run, through the command line."""

import gzip
import hashlib
import json
import os
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

TASK = '''\
"""Tiny pictures of two classes."""

from urnn_bench.data.store import DataSet
from urnn_bench.tasks._images import ImageOptions, ImageTask, read_idx


class TinyOptions(ImageOptions):
    shape = (4, 4)
    training_images = 60
    validation_examples: int = 20


class Pictures(ImageTask):
    Options = TinyOptions
    classes = 2
    data = DataSet("pictures", "made up", "none", mirrors=MIRRORS, files=FILES)

    def load(self):
        return read_idx(self.data)
'''
BENCHMARK = """\
title: Pictures
task: {name: pictures}
T: 16
models: {rnn: {hidden: 4}}
fit: {steps: 3, batch: 8}
"""


def packed(array):
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def pictures():
    """Bright and dark pictures with their labels, in the four files of MNIST."""
    rng, files = np.random.default_rng(0), {}
    for start, count in (("train", 60), ("t10k", 20)):
        labels = (np.arange(count) % 2).astype(np.uint8)
        pixels = rng.integers(0, 100, (count, 4, 4)) + 120 * labels[:, None, None]
        files[f"{start}-images-idx3-ubyte.gz"] = packed(pixels.astype(np.uint8))
        files[f"{start}-labels-idx1-ubyte.gz"] = packed(labels)
    return files


FILES = pictures()


class Server(ThreadingHTTPServer):
    """Serves the files under /good, breaks off under /short, sends others under /other."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def mirror(self, kind):
        return f"http://127.0.0.1:{self.server_port}/{kind}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        _, kind, name = self.path.split("/")
        self.server.asked.append(self.path)
        if kind == "missing":
            self.send_error(404)
            return
        content = FILES[name] if kind != "other" else b"<html>moved</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if kind == "short" else content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    with Server() as server:
        yield server
        server.shutdown()


@pytest.fixture
def prepare(bench, server):
    """Write the task with mirrors of the given kinds, and prepare its data."""
    bench.write("benchmarks/pictures.yaml", BENCHMARK)

    def run(*kinds, code=0, env=None):
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
        head = f"MIRRORS = {tuple(server.mirror(kind) for kind in kinds)!r}\nFILES = {hashes!r}\n"
        bench.write(
            "pictures.py", TASK.replace("\n\n\nclass TinyO", f"\n\n{head}\n\nclass TinyO", 1)
        )
        given = {"URNN_BENCH_DATA": str(bench.folder / "data"), **(env or {})}
        return bench("prepare", "pictures", "--include", "pictures.py", code=code, env=given)

    return run


def data(bench):
    return sorted((bench.folder / "data" / "pictures").glob("*"))


def test_fetched_once_verified_after_and_used_by_a_run(bench, server, prepare):
    lines = prepare("good").out.splitlines()
    assert [line.split("\t")[:2] for line in lines[1:]] == [["pictures", "fetched"]] * 4
    assert [p.read_bytes() for p in data(bench)] == [FILES[p.name] for p in data(bench)]
    again = prepare("good")
    assert (
        again.out.count("\tverified\t") == 4
        and len(server.asked) == 4
        and "fetching" not in again.err
    )
    bench("run", "pictures", "--include", "pictures.py", "--data-dir", "data", "-q")
    record = json.loads((bench.runs("pictures")[0] / "run.json").read_text())
    assert set(record["fingerprint"]) == {"train", "validation", "test", "permutation"}
    assert set(record["test"]) == {"cross_entropy_nat", "accuracy"}


@pytest.mark.parametrize("kind", ["missing", "short", "other"])
def test_the_next_mirror_takes_over(bench, prepare, kind):
    said = prepare(kind, "good").err
    assert said.count("fetching") == 8 and len(data(bench)) == 4
    assert {p.read_bytes() for p in data(bench)} == set(FILES.values())


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("missing", "status 404"),
        ("short", "Error"),
        ("other", "what came is not the file"),
    ],
)
def test_what_cannot_be_fetched_is_said_and_leaves_nothing(bench, prepare, kind, why):
    said = prepare(kind, code=2).err
    last = said.splitlines()[-1]
    assert "could not be fetched (127.0.0.1:" in last and why in last and "try again" in last
    assert data(bench) == []


def test_offline_fetches_nothing(server, prepare):
    said = prepare("good", code=2, env={"URNN_BENCH_OFFLINE": "1"}).err
    assert "URNN_BENCH_OFFLINE forbids" in said and not server.asked
    prepare("good", env={"URNN_BENCH_OFFLINE": "0"})
    assert prepare("good", env={"URNN_BENCH_OFFLINE": "1"}).out.count("\tverified\t") == 4


def test_a_run_without_data_says_what_fetches_them(bench, prepare):
    prepare("missing", code=2)
    said = bench("run", "pictures", "--include", "pictures.py", "--data-dir", "data", code=2).err
    assert said.count("\n") == 1 and "fetch it with: urnn-bench prepare pictures" in said
    assert not bench.runs("pictures")


def test_a_damaged_file_is_named_and_prepare_mends_it(bench, prepare):
    prepare("good")
    path = data(bench)[0]
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    said = bench("run", "pictures", "--include", "pictures.py", "--data-dir", "data", code=2).err
    assert f"{path.name}: is damaged" in said and "urnn-bench prepare pictures" in said
    found = prepare("good").out
    assert found.count("\tverified\t") == 3 and found.count("\tfetched\t") == 1
    bench("run", "pictures", "--include", "pictures.py", "--data-dir", "data", "-q")


def test_files_lying_loose_are_found_and_not_fetched(bench, server, prepare):
    for name, content in FILES.items():
        path = bench.folder / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert prepare("good").out.count("\tverified\t") == 4 and not server.asked


def test_another_sets_files_lying_loose_are_left_alone(bench, prepare):
    for name in FILES:
        bench.write(f"data/{name}", "MNIST, which has files of the same names")
    assert prepare("good").out.count("\tfetched\t") == 4
    assert all("MNIST" in (bench.folder / "data" / name).read_text() for name in FILES)
    assert len(data(bench)) == 4


def test_what_is_fetched_can_be_read_by_others_and_leaves_nothing_beside(bench, prepare):
    prepare("short", "good")
    assert {oct(p.stat().st_mode)[-3:] for p in data(bench)} == {"644"}
    assert {p.name for p in data(bench)} == set(FILES)


def test_runs_that_are_done_need_no_data(bench, prepare):
    prepare("good")
    arguments = ("run", "pictures", "--include", "pictures.py", "-q", "--data-dir")
    bench(*arguments, "data")
    bench(*arguments, "nowhere")
    assert "prepare pictures --data-dir" in bench(*arguments, "nowhere", "--force", code=2).err


def test_a_home_folder_is_understood(bench):
    found = json.loads(bench("doctor", "--json", env={"URNN_BENCH_DATA": "~/here"}).out)
    assert found["folders"]["data"].startswith(f"{os.path.expanduser('~')}/here")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--set", "task.permutation=wisdm"), "must be none, wisdom"),
        (("--probe", "--set", "probes.T=10"), "which 10 steps do not divide"),
        (("--batch", 1158), "larger than the training set of 1157"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_trained(bench, options, says):
    bench.write(
        "benchmarks/small.yaml",
        BENCHMARK.replace("{name: pictures}", "{name: digits}").replace("T: 16", "T: 8"),
    )
    for more in ((), ("--dry-run",)):
        said = bench("run", "small", *options, *more, code=2).err
        assert says in said and said.count("\n") == 1
    assert not bench.runs("small")


def test_a_folder_that_cannot_be_made_is_one_sentence(bench, prepare):
    bench.write("data", "a file where the folder should be")
    said = prepare("good", code=2).err
    assert "data: is a file; give a folder" in said.splitlines()[-1] and "--data-dir" in said


def test_names_that_read_nothing_or_do_not_exist(bench):
    assert "adding: nothing to fetch" in bench("prepare", "adding", "digits").err
    offline = {"URNN_BENCH_OFFLINE": "1", "URNN_BENCH_DATA": str(bench.folder)}
    assert "mnist: " in bench("prepare", "paper/urnn-fig3-ordered", code=2, env=offline).err
    assert "did you mean 'mnist'" in bench("prepare", "mnits", code=2).err


def test_the_data_folder_is_in_doctor_and_stays_in_its_process(bench):
    found = json.loads(bench("doctor", "--json", env={"URNN_BENCH_DATA": "/somewhere"}).out)
    assert found["folders"]["data"].startswith("/somewhere, ")
    assert "URNN_BENCH_DATA" not in os.environ
