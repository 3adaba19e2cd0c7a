"""The scripts of docs/data.md make files that the tasks read."""

import pickle

import numpy as np
import torch
from docs_pages import ROOT, files

from urnn_bench.data import store
from urnn_bench.tasks.chalearn import Chalearn, ChalearnOptions
from urnn_bench.tasks.deap import Deap, DeapOptions

SCRIPTS = files((ROOT / "docs/data.md").read_text(encoding="utf-8"))


def run(name, folder, monkeypatch, **names):
    monkeypatch.chdir(folder)
    monkeypatch.setenv(store.DATA, str(folder))
    exec(compile(SCRIPTS[name], name, "exec"), names)


def test_gestures_in_a_list_become_a_file(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    gestures = [(rng.normal(size=(3 + i, 20, 3)), i, i % 3) for i in range(9)]
    run("make_gestures.py", tmp_path, monkeypatch, gestures=gestures)
    options = ChalearnOptions(T=5, centre=None, standardise=False)
    train = Chalearn(options).load().train
    assert train.classes.tolist() == [0, 3, 6] and train.lengths.tolist() == [3, 6, 9]
    expected = torch.from_numpy(gestures[3][0].reshape(6, 60)).float()
    assert torch.equal(train.x[1, :6], expected)


def test_pickles_of_subjects_become_files(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    (tmp_path / "data_preprocessed_python").mkdir()
    labels = rng.uniform(1, 9, (5, 4))
    data = rng.integers(-100, 100, (5, 40, 8064), dtype=np.int8)
    content = pickle.dumps({"data": data, "labels": labels}, protocol=2)
    (tmp_path / "data_preprocessed_python" / "s07.dat").write_bytes(content)
    run("make_deap.py", tmp_path, monkeypatch)
    assert [path.name for path in (tmp_path / "deap").iterdir()] == ["s07.npz"]
    train = Deap(DeapOptions(T=1920)).load().train
    assert train.classes.tolist() == [int(one > 5) for one in labels[:3, 0]]
