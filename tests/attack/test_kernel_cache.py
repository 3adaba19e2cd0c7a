"""Damaged kernels in the cache: the right values come out, and an intact file is there after."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Lock

import pytest
import torch

from urnn_bench.kernels.native import cache, compiler, linear
from urnn_bench.kernels.native.memory import PRECISIONS

# a readout in float32, which is one small file in C
PROGRAM = """
import logging, torch
from urnn_bench.kernels.native import linear
logging.basicConfig(level=logging.INFO, format="%(message)s")
y = linear.linear(torch.arange(6.0).view(2, 3), torch.ones(4, 3), torch.ones(4))
assert y.tolist() == [[4.0] * 4, [13.0] * 4], y
"""
YEAR_S = 366 * 24 * 3600


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """An intact kernel: its name and its content."""
    home = tmp_path_factory.mktemp("compiled")
    use(home, PROGRAM)
    (path,) = kernels(home)
    return path.name, path.read_bytes()


@pytest.fixture
def home(tmp_path, monkeypatch, compiled):
    """A cache folder that holds the intact kernel, for this process too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name, content = compiled
    cache.folder().mkdir(parents=True)
    (cache.folder() / name).write_bytes(content)
    compiler.library.cache_clear()
    yield tmp_path
    compiler.library.cache_clear()


def use(home, program=PROGRAM, code=0, **env):
    """Run a program in a new process with a cache folder of its own; return what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(home), **env},
    )
    assert done.returncode == code, f"{done.returncode}\n{done.stderr}"
    return done.stderr


def use_here():
    """Compute the readout of ``PROGRAM`` in this process, and return the library."""
    compiler.library.cache_clear()
    y = linear.linear(torch.arange(6.0).view(2, 3), torch.ones(4, 3), torch.ones(4))
    assert y.tolist() == [[4.0] * 4, [13.0] * 4]
    return compiler.library(linear.SOURCE, PRECISIONS[torch.float32].defines)


def kernels(home):
    return sorted((home / "urnn-bench" / "kernels").glob("*.so"))


def without(content, symbol):
    return content.replace(symbol, symbol[:-1] + b"X")


def zeros_inside(content):
    return content[:4096] + bytes(8192) + content[12288:]


DAMAGE = {
    "empty": lambda _: b"",
    "cut to its first page": lambda content: content[:4096],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "zeros inside": zeros_inside,
    "zeros only": lambda content: bytes(len(content)),
    "one bit turned": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "text": lambda _: b"no library at all\n",
    "a function renamed": lambda content: without(content, b"linear_forward"),
    "something appended": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_kernel_is_compiled_again(home, compiled, attack, monkeypatch, damage):
    """The compiler is replaced by one that returns the intact file, as compiling takes seconds."""
    name, content = compiled
    path = cache.folder() / name
    path.write_bytes(damage(content))
    asked = []
    monkeypatch.setattr(compiler, "_compile", lambda *_: asked.append(1) or content)
    use_here()
    assert asked and [p.name for p in kernels(home)] == [name] and path.read_bytes() == content
    attack.tried("damaged kernels in the cache")


def test_the_worst_damage_in_a_new_process_with_the_real_compiler(home, compiled):
    """A page that is not there was SIGBUS: the process ended without a word."""
    name, content = compiled
    path = cache.folder() / name
    path.write_bytes(content[:4096])
    said = use(home)
    assert said.count("compiling the kernels in C") == 1
    assert path.read_bytes() == content and kernels(home) == [path]
    assert use(home) == ""


FOREIGN = {
    "another user's": lambda path: os.chown(path, 1234, 1234),
    "writable by everyone": lambda path: path.chmod(0o666),
    "a link": lambda path: path.symlink_to(path.rename(path.with_name("elsewhere"))),
    "a FIFO": lambda path: (path.unlink(), os.mkfifo(path)),
    "a socket's place": lambda path: (path.unlink(), os.mknod(path, 0o600 | stat.S_IFSOCK)),
    "an empty folder": lambda path: (path.unlink(), path.mkdir()),
    "of another processor": lambda path: path.rename(path.with_name(of_another_processor(path))),
}


def of_another_processor(path):
    """Return the name that this file would have if it were made for this processor."""
    stem, _, digest = path.stem.split("-")
    return f"{stem}-{'0' * 16}-{digest}.so"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_kernel_that_is_not_ours_is_never_loaded(compiled, attack, monkeypatch, change):
    name, content = compiled
    path = cache.folder() / name
    try:
        change(path)
    except PermissionError:
        pytest.skip("only root can give files away")
    asked = []
    monkeypatch.setattr(compiler, "_compile", lambda *_: asked.append(1) or content)
    use_here()
    found = path.lstat()
    assert asked and stat.S_ISREG(found.st_mode) and path.read_bytes() == content
    assert found.st_uid == os.geteuid() and not found.st_mode & 0o022
    attack.tried("kernels of others in the cache")


@pytest.mark.usefixtures("home")
def test_a_kernel_of_another_key_under_this_name_is_refused(compiled):
    """As on a shared home: the digest in the name covers the key, so a renamed file is found."""
    name, content = compiled
    stem, key, digest = Path(name).stem.split("-")
    other = cache.folder() / f"{stem}-{'0' * 16}-{digest}.so"
    other.write_bytes(content)
    assert list(cache.contents(cache.Kernel(stem, "0" * 16))) == [] and not other.exists()
    assert list(cache.contents(cache.Kernel(stem, key))) == [content]


def test_a_library_without_a_function_is_not_used_though_its_digest_is_right(
    home, compiled, monkeypatch
):
    name, content = compiled
    (cache.folder() / name).unlink()
    stem, key, _ = Path(name).stem.split("-")
    kernel = cache.Kernel(stem, key)
    cache.store(kernel, without(content, b"linear_forward"))
    monkeypatch.setattr(compiler, "_compile", lambda *_: content)
    use_here()
    assert [path.name for path in kernels(home)] == [name]


def test_a_file_cut_short_while_its_code_is_in_use_harms_nothing(home):
    program = PROGRAM + (
        "import os, pathlib\n"
        "for p in pathlib.Path(os.environ['XDG_CACHE_HOME']).rglob('*.so'): os.truncate(p, 0)\n"
        "w = torch.ones(4, 3, requires_grad=True)\n"
        "linear.linear(torch.ones(600, 3), w, torch.ones(4)).sum().backward()\n"
        "assert w.grad.tolist() == [[600.0] * 3] * 4\n"
    )
    assert use(home, program) == ""


def no_folder(home):
    (home / "urnn-bench").write_text("a file where the folder should be")


def foreign_folder(home):
    folder = home / "urnn-bench" / "kernels"
    folder.mkdir(parents=True)
    os.chown(folder, 1234, 1234)


def link_in_a_circle(home):
    (home / "urnn-bench").symlink_to(home / "urnn-bench")


@pytest.mark.parametrize("spoil", [no_folder, foreign_folder, link_in_a_circle])
def test_without_a_cache_folder_to_trust_the_kernel_runs_all_the_same(
    tmp_path, monkeypatch, compiled, spoil
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        spoil(tmp_path)
    except PermissionError:
        pytest.skip("only root can give folders away")
    monkeypatch.setattr(compiler, "_compile", lambda *_: compiled[1])
    use_here()
    compiler.library.cache_clear()
    assert not kernels(tmp_path) and cache.problem() is not None
    assert not list(Path(tmp_path).glob(".urnn-bench-*"))


def test_doctor_says_why_kernels_are_not_kept(bench, tmp_path, compiled, monkeypatch):
    no_folder(tmp_path)
    monkeypatch.setattr(compiler, "_compile", lambda *_: compiled[1])
    found = json.loads(bench("doctor", "--json", env={"XDG_CACHE_HOME": str(tmp_path)}).out)
    assert "(not used, so every process compiles: " in found["folders"]["kernels"]
    (tmp_path / "urnn-bench").unlink()
    found = json.loads(bench("doctor", "--json", env={"XDG_CACHE_HOME": str(tmp_path)}).out)
    assert found["folders"]["kernels"] == f"{tmp_path}/urnn-bench/kernels (writable)"


@pytest.mark.usefixtures("home")
def test_a_folder_that_others_may_write_to_is_closed_to_them():
    cache.folder().chmod(0o777)
    use_here()
    assert cache.folder().stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("home")
def test_what_killed_compilers_left_and_unused_kernels_are_tidied(compiled, monkeypatch):
    name, content = compiled
    folder = cache.folder()
    left = [".linear-0-0.so.abc.part", "tmpabcdefg", "linear-0123456789abcdef.so"]
    for each in left:
        (folder / each).write_bytes(b"")
        os.utime(folder / each, (0, 0))
    (folder / "young-0-0.so").write_bytes(b"")
    (folder / name).unlink()
    monkeypatch.setattr(compiler, "_compile", lambda *_: content)
    use_here()
    assert {path.name for path in folder.iterdir()} == {name, "young-0-0.so"}


@pytest.mark.usefixtures("home")
def test_a_kernel_in_use_stays(compiled):
    path = cache.folder() / compiled[0]
    os.utime(path, (0, 0))
    use_here()
    assert path.stat().st_mtime > YEAR_S


def test_a_killed_compiler_leaves_one_folder_that_the_next_removes(home, monkeypatch):
    temporary = home / "tmp"
    left = temporary / ".urnn-bench-12345678.part"
    left.mkdir(parents=True)
    (left / "kernel.so").write_text("half")
    others = temporary / "urnn-bench-results"
    others.mkdir()
    for path in (left, others):
        os.utime(path, (0, 0))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    use_here()
    assert list(temporary.iterdir()) == [others]


@pytest.fixture
def cold(monkeypatch, tmp_path):
    """Nothing was compiled and nothing said by this process; returns what writes its compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    monkeypatch.setattr(compiler, "_ANNOUNCED", Lock())
    caches = (compiler.library, compiler.unavailable_reason, compiler._target)

    def write(script):
        (tmp_path / "cc").write_bytes(b"#!/bin/sh\n" + script)
        (tmp_path / "cc").chmod(0o755)
        for each in caches:
            each.cache_clear()

    yield write
    for each in caches:
        each.cache_clear()


def test_a_compiler_that_does_not_speak_utf8(cold):
    cold(b'[ "$1" = --version ] && printf "cc \\351\\377\\n" && exit\nexec cc "$@"\n')
    assert compiler.version() == "cc \ufffd\ufffd\n"
    use_here()
    cold(b'printf "x.c:1: error: \\351\\377\\n" >&2; [ "$1" = --version ]\n')
    assert compiler.unavailable_reason(linear.SOURCE).endswith("error: \ufffd\ufffd")


@pytest.mark.parametrize(("options", "lines"), [((), 1), (("-q",), 0)])
def test_the_first_compile_is_said_on_stderr_once(bench, cold, options, lines):
    """A compiler that fails at once takes no seconds; it is asked for four files."""
    cold(b'[ "$1" = --version ]\n')
    arguments = ("run", "tiny", "--model", "urnn", "--updates", 1, "--dry-run", *options)
    done = bench(*arguments)
    assert done.err.count("urnn-bench: compiling the kernels in C") == lines
    assert "compiling" not in done.out
    assert "compiling" not in bench(*arguments, "--force").err
