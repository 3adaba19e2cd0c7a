"""The hash of a user's file covers what the file imports of the user's own, and nothing else."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from urnn_bench.cells._units import unit_registry
from urnn_bench.registry import included_files
from urnn_bench.user_modules import Source, source_hash, user_modules

CELL = """\
import torch
from urnn_bench.cells.base import Cell
from {module} import DECAY


class Decay(Cell):
    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.v = torch.nn.Parameter(torch.randn(inputs, hidden))

    def weights(self):
        return (self.v,)

    def drive(self, x, w):
        return x @ w[0]

    def step(self, u, state, w):
        return (DECAY * state[0] + u,)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files below a folder on the search path."""
    folder = tmp_path / "lib"
    monkeypatch.syspath_prepend(folder)

    def write(**files):
        for name, content in files.items():
            path = folder / f"{name.replace('__in', '/__in').replace('_of_', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        # a finder remembers a folder's content by its time
        for finder in sys.path_importer_cache.values():
            if hasattr(finder, "invalidate_caches"):
                finder.invalidate_caches()
        return folder

    return write


def names(text, package=""):
    return set(user_modules(Source(text.encode()), package))


def test_without_modules_of_the_users_it_is_the_hash_of_the_file():
    content = b"import torch, os.path\nfrom urnn_bench.cells.base import Cell\nfrom . import x\n"
    assert source_hash(Source(content)) == hashlib.sha256(content).hexdigest()[:16]


@pytest.mark.parametrize(
    "statement",
    [
        "import pk.sub.deep",
        "import pk.sub.deep as d",
        "from pk.sub import deep",
        "from pk.sub import deep as d",
        "from pk.sub.deep import X",
        "def f():\n    from pk.sub.deep import X",
        "try:\n    import nowhere\nexcept ImportError:\n    import pk.sub.deep",
        "import importlib\nimportlib.import_module('pk.sub.deep')",
        "__import__('pk.sub.deep')",
        "from pk.sub import *",
    ],
)
def test_every_form_of_import_is_found_with_the_packages_above(statement, write):
    write(pk__init__="", pk_of_sub__init__="__all__ = ['deep']", pk_of_sub_of_deep="X = 1")
    assert names(statement) == {"pk", "pk.sub", "pk.sub.deep"}


def test_what_a_module_imports_is_found_too(write):
    write(
        rel__init__="from . import one",
        rel_of_one="from .two import X",
        rel_of_two="from .. import beyond\nfrom . import one\nimport plain, plain",
        plain="import rel.one\nimport torch",
    )
    assert names("import rel") == {"rel", "rel.one", "rel.two", "plain"}


def test_a_namespace_package_a_faulty_and_a_compiled_module_count_by_content(write):
    folder = write(spaced_of_inner="X = 1", faulty="def (", nul=b"X = 1\0")
    (folder / "fast.so").write_bytes(b"\x7fELF one")
    text = "import spaced.inner, faulty, fast, nul"
    assert names(text) == {"spaced.inner", "faulty", "fast", "nul"}
    before = source_hash(Source(text.encode()))
    (folder / "fast.so").write_bytes(b"\x7fELF two")
    assert source_hash(Source(text.encode())) != before


def test_nothing_is_imported_to_be_hashed(write):
    write(loud__init__="raise SystemError", loud_of_part="raise SystemError")
    assert names("import loud.part") == {"loud", "loud.part"} and "loud" not in sys.modules


def test_what_is_installed_counts_only_in_the_own_package(write, monkeypatch):
    folder = write() / "site-packages"
    for name in ("mine", "theirs"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("X = 1")
    monkeypatch.syspath_prepend(folder)
    text = "import mine, theirs"
    assert names(text) == set() and names(text, "mine") == {"mine"}


def test_the_hash_depends_on_contents_and_not_on_the_folder(tmp_path, monkeypatch):
    def hash_in(folder, text):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "moved_helper.py").write_text(text)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(tmp_path / folder)
            return source_hash(Source(b"import moved_helper"))

    assert hash_in("a", "X = 1") == hash_in("b", "X = 1") != hash_in("c", "X = 2")


def run(bench, *arguments, **options):
    env = {"PYTHONPATH": os.pathsep.join((str(bench.folder), os.environ.get("PYTHONPATH", "")))}
    files = (word for path in sorted(bench.folder.glob("dec*.py")) for word in ("--include", path))
    return bench.process("run", "tiny", *arguments, *files, env=env, **options).err


def test_an_edited_helper_is_another_run_and_a_stopped_run_does_not_go_on(bench):
    bench.write("decay.py", CELL.format(module="edited_gates"))
    bench.write("edited_gates.py", "from edited_number import DECAY\n")
    number = bench.write("edited_number.py", "DECAY = 0.9\n")
    run(bench, "--model", "decay", "-q", "--time-limit", 0, code=3)
    (stopped,) = (bench.folder / "results/tiny").glob("decay-*")
    number.write_text("DECAY = 0.25\n")
    assert "decay T=4 seed 0: done" in run(bench, "--model", "decay")
    statuses = {f: json.loads((f / "run.json").read_text())["status"] for f in bench.runs()}
    assert len(statuses) == 2 and statuses.pop(stopped) != "done"
    assert set(statuses.values()) == {"done"}
    assert "already done" in run(bench, "--model", "decay")


PATHS = {
    "stays": "import sys\nsys.path.insert(0, __file__.rpartition('/')[0])\n",
    "is taken off": (
        "import sys\nsys.path.insert(0, __file__.rpartition('/')[0])\n"
        "import {module}\nsys.path.pop(0)\n"
    ),
}


@pytest.mark.parametrize("path", PATHS)
def test_files_whose_helpers_have_one_name_are_refused(path, bench):
    module = f"twin_{path.replace(' ', '_')}"
    for folder in ("one", "two"):
        head = PATHS[path].format(module=module)
        bench.write(f"{folder}/cell_{folder}.py", head + CELL.format(module=module))
        bench.write(f"{folder}/{module}.py", f"DECAY = 0.5  # of {folder}\n")
    files = [
        word for folder in ("one", "two") for word in ("--include", f"{folder}/cell_{folder}.py")
    ]
    said = bench("list", "models", *files, code=2).err
    assert f"cell_two.py: imports '{module}', which is {bench.folder}/one/{module}.py" in said
    # a refused file is not included: what looks for units among the included ones does not find it
    included = set(included_files().values())
    assert bench.folder / "one/cell_one.py" in included
    assert bench.folder / "two/cell_two.py" not in included
    assert "feedforward" in unit_registry().names()


@pytest.mark.parametrize("second", [0.5, 0.25])
def test_a_helper_of_a_helper_is_refused_too_unless_it_is_a_copy(second, bench):
    number = f"twin_number_{second}".replace(".", "_")
    for folder, value in (("one", 0.5), ("two", second)):
        helper = f"gates_{folder}_{number}"
        bench.write(f"{folder}/deep_{folder}.py", PATHS["stays"] + CELL.format(module=helper))
        bench.write(f"{folder}/{helper}.py", f"from {number} import DECAY\n")
        bench.write(f"{folder}/{number}.py", f"DECAY = {value}\n")
    files = ("--include", "one/deep_one.py", "--include", "two/deep_two.py")
    said = bench("list", "models", *files, code=0 if second == 0.5 else 2).err
    assert (f"deep_two.py: imports '{number}', which is" in said) == (second != 0.5)


def test_files_that_share_a_helper_are_included_together(bench):
    bench.write("lib/shared_gates.py", "DECAY = 0.5\n")
    head = f"import sys\nsys.path.insert(0, {str(bench.folder / 'lib')!r})\n"
    for name in ("left", "right"):
        bench.write(f"{name}/cell_{name}.py", head + CELL.format(module="shared_gates"))
    files = ("--include", "left/cell_left.py", "--include", "right/cell_right.py")
    models = ("--model", "cell_left", "--model", "cell_right")
    assert bench("run", "tiny", *models, *files).err.count(": done") == 2
    assert Path(sys.modules["shared_gates"].__file__).parent.name == "lib"
