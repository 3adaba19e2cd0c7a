"""For a while: the documentation's new names as the present ones. Delete once all are renamed."""

import re

from urnn_bench.cells.base import Cell
from urnn_bench.cli.app import app
from urnn_bench.kernels import choose
from urnn_bench.tasks import base as tasks

NAMES = [
    (tasks, "SyntheticTask", "DrawnTask"),
    (tasks, "Vectors", "Reals"),
    (tasks.Task, "baseline_output", "memoryless"),
    (getattr(tasks, "SyntheticTask", tasks.DrawnTask), "sample", "draw"),
    (choose, "Implementation", "Fused"),
    (Cell, "kernels", "fused"),
]


def present(text):
    """Python as the package has its names now."""
    for owner, new, old in NAMES:
        if not hasattr(owner, new):
            # not the module urnn_bench.kernels
            text = re.sub(rf"(?<!\.)\b{new}\b", old, text)
    return text


def present_options(command):
    """A command with the options there are now."""
    import typer

    options = {o for p in typer.main.get_command(app).commands[command[0]].params for o in p.opts}
    old = {"run": {"--updates": "--steps"}, "kernels": {"--steps": "--T"}}.get(command[0], {})
    return [old.get(word, word) if word not in options else word for word in command]
