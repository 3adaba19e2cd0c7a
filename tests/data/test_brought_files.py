"""Data sets that no mirror has, and of which one of several files is enough."""

import hashlib

import pytest

from urnn_bench.data import fetch, store
from urnn_bench.data.store import DataSet
from urnn_bench.errors import DataError

CONTENT = {"a.npz": b"in one form", "b.mat": b"in another"}
KNOWN = {
    "a.npz": hashlib.sha256(CONTENT["a.npz"]).hexdigest(),
    "b.mat": f"md5:{hashlib.md5(CONTENT['b.mat'], usedforsecurity=False).hexdigest()}",
}


def data_set(**options):
    return DataSet("brought", "made up", "none", (), KNOWN, origin="at example.org", **options)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(store.DATA, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "brought").mkdir()
    return tmp_path / "brought"


@pytest.mark.parametrize("file", KNOWN)
def test_either_file_is_the_data_set(folder, file):
    (folder / file).write_bytes(CONTENT[file])
    data = data_set(any_file=True)
    store.check(data)
    assert store.read_any(data) == (file, CONTENT[file], folder / file)
    assert fetch.prepare(data, pytest.fail) == [(folder / file, False)]


@pytest.mark.parametrize("file", KNOWN)
def test_one_file_is_not_enough_for_a_set_that_needs_both(folder, file):
    (folder / file).write_bytes(CONTENT[file])
    (missing,) = KNOWN.keys() - {file}
    for function in (store.check, lambda data: fetch.prepare(data, pytest.fail)):
        with pytest.raises(DataError, match=f"^brought: {missing} is not in"):
            function(data_set())


def test_what_is_missing_is_said_with_where_it_comes_from(folder):
    with pytest.raises(DataError) as raised:
        store.check(data_set(any_file=True))
    said = str(raised.value)
    assert said.startswith(f"brought: a.npz or b.mat is not in {folder}")
    assert "put it there (at example.org), or say where it lies by --data-dir" in said
    assert "prepare" not in said


@pytest.mark.parametrize(("file", "kind"), [("a.npz", "SHA-256"), ("b.mat", "MD5")])
def test_another_version_is_refused_by_its_hash(folder, file, kind):
    (folder / file).write_bytes(CONTENT[file] + b"!")
    for function in (store.check, lambda data: fetch.prepare(data, pytest.fail)):
        with pytest.raises(DataError) as raised:
            function(data_set(any_file=True))
        text = f"is damaged or another file (its {kind} is not the known one); put another copy"
        assert str(raised.value).startswith(f"{folder / file}: {text} there (at example.org)")


def test_an_intact_file_is_read_beside_a_damaged_one(folder):
    (folder / "a.npz").write_bytes(b"something else")
    (folder / "b.mat").write_bytes(CONTENT["b.mat"])
    assert store.read_any(data_set(any_file=True)).file == "b.mat"
