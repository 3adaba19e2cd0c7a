"""Every former name of a module is something that is there, and unknown names stay errors."""

import subprocess
import sys
from importlib import import_module

import pytest

from urnn_bench.renamed import NAMES, FormerNameWarning

PAIRS = [(module, name, new) for module, names in NAMES.items() for name, new in names.items()]


@pytest.mark.parametrize(("module", "old", "new"), PAIRS, ids=[f"{m}.{n}" for m, n, _ in PAIRS])
@pytest.mark.filterwarnings("ignore::urnn_bench.renamed.FormerNameWarning")
def test_a_former_name_is_what_has_the_new_one(module, old, new):
    where, _, attribute = new.rpartition(".")
    found = getattr(import_module(f"urnn_bench.{module}"), old)
    today = getattr(import_module(f"urnn_bench.{where}"), attribute)
    assert found is today or found.__wrapped__ is today


def test_a_name_that_never_was_is_an_error():
    for module in NAMES:
        with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
            exec(f"from urnn_bench.{module} import nonsense")


def test_a_name_is_warned_of_once_for_each_file():
    def use(*files):
        for file in files:
            code = compile("from urnn_bench.streams import seeded", file, "exec")
            exec(code, {"__name__": "users"})

    with pytest.warns(FormerNameWarning) as caught:
        use("one.py", "one.py", "two.py")
    texts = [str(warning.message) for warning in caught]
    assert [text.partition(":")[0] for text in texts] == ["one.py", "two.py"]


def test_nothing_of_it_is_loaded_by_the_package():
    program = (
        "import sys, urnn_bench.run.scheduler, urnn_bench.figures._panels\n"
        "from urnn_bench.renamed import NAMES\n"
        "gone = ('kernels.scan', 'records.results', 'spec.schema', 'streams', 'trace')\n"
        "assert not sys.modules.keys() & {f'urnn_bench.{name}' for name in gone}\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
