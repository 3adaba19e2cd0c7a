"""Imports point down, there are no cycles, and what should be quick does not load torch."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import urnn_bench

ROOT = Path(urnn_bench.__file__).parent

# the parts of the package from the command line down; imports point to lower floors only
FLOORS = (
    ("__main__",),
    ("cli",),
    ("launchers", "measure", "search"),
    ("run",),
    ("claims", "figures", "probes"),
    ("analysis", "engine", "layers", "models"),
    ("cells", "pooling", "readouts", "tasks", "records"),
    ("kernels", "data", "physics", "spec", "registry", "streams", "trace", "user_frames"),
    (
        "errors",
        "events",
        "files",
        "global_state",
        "machine",
        "proposals",
        "random_streams",
        "renamed",
        "text",
        "user_modules",
        "__init__",
    ),
)

# who may import whom inside the package; what is not listed is forbidden
ALLOWED = {
    "errors": set(),
    "__init__": set(),
    "files": set(),
    "text": set(),
    "events": set(),
    "global_state": set(),
    "machine": set(),
    "proposals": set(),
    "random_streams": set(),
    "renamed": set(),
    # former names of modules
    "streams": {"renamed"},
    "trace": {"renamed"},
    "user_frames": {"user_modules"},
    "user_modules": set(),
    "registry": {"errors", "global_state", "renamed", "user_modules"},
    "spec": {"errors", "files", "renamed", "text"},
    "kernels": {"errors", "files", "machine", "renamed"},
    "data": {"errors", "files", "proposals", "text"},
    "physics": set(),
    "records": {"errors", "events", "files", "renamed", "spec"},
    "tasks": {"data", "errors", "events", "physics", "random_streams", "renamed", "spec", "text"},
    "cells": {"errors", "kernels", "registry", "renamed", "spec"},
    "layers": {"cells", "kernels", "spec"},
    "readouts": {"errors", "kernels", "spec"},
    "pooling": {"kernels", "spec"},
    "models": {"cells", "errors", "kernels", "pooling", "readouts", "tasks"},
    "engine": {"errors", "events", "random_streams", "spec", "tasks"},
    "analysis": {"errors", "proposals", "records", "spec"},
    "probes": {
        "cells",
        "engine",
        "errors",
        "events",
        "global_state",
        "kernels",
        "models",
        "physics",
        "random_streams",
        "spec",
        "tasks",
        "user_frames",
    },
    "figures": {
        "analysis",
        "errors",
        "files",
        "physics",
        "proposals",
        "records",
        "registry",
        "renamed",
        "spec",
        "text",
    },
    "claims": {"analysis", "errors", "proposals", "records", "spec"},
    "run": {
        "cells",
        "data",
        "engine",
        "errors",
        "events",
        "figures",
        "files",
        "global_state",
        "kernels",
        "layers",
        "machine",
        "models",
        "pooling",
        "probes",
        "proposals",
        "random_streams",
        "readouts",
        "records",
        "registry",
        "spec",
        "tasks",
        "user_frames",
    },
    "measure": {
        "cells",
        "engine",
        "errors",
        "events",
        "global_state",
        "kernels",
        "random_streams",
        "records",
        "registry",
        "run",
        "spec",
    },
    "launchers": {"errors", "machine", "proposals", "records", "registry", "run", "spec"},
    "search": {"errors", "events", "files", "random_streams", "records", "registry", "run", "spec"},
    "cli": {
        "analysis",
        "cells",
        "claims",
        "data",
        "errors",
        "events",
        "figures",
        "files",
        "kernels",
        "launchers",
        "machine",
        "measure",
        "probes",
        "proposals",
        "readouts",
        "records",
        "registry",
        "run",
        "search",
        "spec",
        "tasks",
        "text",
        "user_frames",
    },
    "__main__": {"cli", "errors", "text", "user_frames"},
}

COMPONENTS = ("cells", "tasks", "readouts", "figures", "probes")

# libraries that only some parts may know
OUTSIDE = {
    "torch": {
        "random_streams",
        "kernels",
        "physics",
        "cells",
        "layers",
        "pooling",
        "readouts",
        "tasks",
        "models",
        "engine",
        "probes",
        "run",
        "measure",
        "cli",
    },
    "matplotlib": {"figures"},
    "optuna": {"analysis", "search"},
    "pandas": {"analysis", "figures", "cli"},
    "rich": {"cli"},
    "typer": {"cli"},
    "pooch": {"data"},
    "psutil": {"machine", "run"},
    "requests": {"data"},
    "reservoirpy": {"measure"},
    "sklearn": {"probes", "tasks"},
    "yaml": {"spec"},
    "pydantic": {
        "claims",
        "spec",
        "cells",
        "readouts",
        "tasks",
        "probes",
        "records",
        "figures",
        "launchers",
        "run",
        "cli",
    },
}


def modules():
    return {p: ".".join(p.relative_to(ROOT).with_suffix("").parts) for p in ROOT.rglob("*.py")}


def imported(path):
    """Every module a file imports, deferred and type-only imports included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(name):
    return name.split(".")[0]


def inside(path):
    names = [n.removeprefix("urnn_bench.") for n in imported(path) if n.startswith("urnn_bench.")]
    return [n for n in names if n != "__version__"]


@pytest.mark.parametrize(("path", "name"), modules().items(), ids=modules().values())
def test_imports_only_what_lies_below(path, name):
    assert part(name) in ALLOWED, "a new part of the package needs a place in the layers"
    wrong = {part(n) for n in inside(path)} - ALLOWED[part(name)] - {part(name)}
    assert not wrong


@pytest.mark.parametrize(("path", "name"), modules().items(), ids=modules().values())
def test_uses_only_the_libraries_of_its_part(path, name):
    used = {part(n) for n in imported(path)} & OUTSIDE.keys()
    assert not {library for library in used if part(name) not in OUTSIDE[library]}


def test_imports_point_to_lower_floors():
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    assert floor.keys() == ALLOWED.keys() and len(FLOORS) <= 9
    assert not [(a, b) for a, below in ALLOWED.items() for b in below if floor[a] >= floor[b]]


def test_every_allowed_import_is_made():
    used = {name: set() for name in ALLOWED}
    for path, name in modules().items():
        used[part(name)] |= {part(target) for target in inside(path)} - {part(name)}
    assert used == ALLOWED


def test_modules_have_no_cycle():
    known = set(modules().values())
    graph = {}
    for path, name in modules().items():
        targets = {n if n in known else n.rpartition(".")[0] for n in inside(path)}
        graph[name] = {t for t in targets if t in known and t != name}
    TopologicalSorter(graph).prepare()


def test_components_are_known_only_through_the_registry():
    """Outside its own folder, a cell, task or figure is never imported by name."""
    for path, name in modules().items():
        for target in inside(path):
            folder, _, rest = target.partition(".")
            if folder in COMPONENTS and part(name) != folder:
                file = rest.removeprefix("units.").split(".")[0]
                assert file in ("base", "_drawing", "_trace", "_runner"), f"{name} imports {target}"


HEAVY = {"torch", "numpy", "pandas", "matplotlib", "scipy", "optuna"}
PROGRAM = """
import json, sys
sys.argv = ["urnn-bench", *{arguments}]
try:
    from urnn_bench.__main__ import main
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["list"], set()),
        (["list", "--json"], set()),
        (["run", "--help"], set()),
        (["search", "--help"], set()),
        (["status", "--json"], set()),
        (["table", "smoke"], {"pandas", "numpy", "scipy"}),
        (["plot", "smoke"], {"pandas", "numpy", "matplotlib", "scipy"}),
    ],
)
def test_quick_commands_do_not_load_what_is_slow(arguments, allowed, bench):
    if arguments[0] in ("table", "plot"):
        bench("run", "smoke", "--steps", 1)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments=arguments)],
        cwd=bench.folder,
        capture_output=True,
        text=True,
        check=True,
        env=bench.env(),
    )
    loaded = set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))
    assert not (HEAVY - allowed) & loaded


def test_importing_the_package_changes_nothing():
    """No import seeds, compiles, reads the environment or starts a thread."""
    program = (
        "import torch, threading\n"
        "before = torch.get_rng_state(), threading.active_count(), torch.get_num_threads()\n"
        "import urnn_bench.run.scheduler, urnn_bench.cli.app\n"
        "after = torch.get_rng_state(), threading.active_count(), torch.get_num_threads()\n"
        "assert torch.equal(before[0], after[0]) and before[1:] == after[1:]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
