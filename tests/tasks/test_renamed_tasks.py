"""A task written against the old names of the hooks is told the new ones when it is loaded."""

import pytest

from urnn_bench.errors import UsageError
from urnn_bench.registry import Registry
from urnn_bench.tasks.base import Signature, Targets, Task, Vectors

TASK = """
from urnn_bench.tasks.adding import Adding


class Doubled(Adding):
    def {name}(self, *arguments):
        return None
"""


def load(folder, name):
    path = folder / "doubled.py"
    path.write_text(TASK.format(name=name))
    return Registry("task", "tasks").include(path).get("doubled", Task)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("draw", "sample"),
        ("summed", "finalise_metrics"),
        ("continues", "carries_state"),
        ("memoryless", "baseline_output"),
    ],
)
def test_an_old_name_is_one_sentence_with_the_new_one(old, new, tmp_path):
    with pytest.raises(UsageError, match=f"Doubled.{old} was renamed to {new}; rename it"):
        load(tmp_path, old)


def test_the_new_names_are_loaded(tmp_path):
    assert load(tmp_path, "finalise_metrics").__name__ == "Doubled"


def test_a_signature_with_a_word_for_its_targets_is_told_the_types():
    assert Signature(Vectors(2), 1, Targets.LAST_STEP).outputs == 1
    with pytest.raises(TypeError, match=r"renamed to targets, which is Targets\.EVERY_STEP"):
        Signature(Vectors(2), 1, "last")
