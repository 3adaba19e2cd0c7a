"""The real command line, whose JSON the blocks are made of."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAPER = Path("results/paper")
# a claim is contradicted, or not decided: the verdicts are there all the same
_JUDGED = {0, 4, 5}
# as the installed script does, so that proposed commands have its name
_PROGRAM = "from urnn_bench.__main__ import main; main()"


@cache
def output_of(*arguments: str) -> Any:
    """Return the JSON that a command writes; raise RuntimeError with its sentence if it fails."""
    command = [sys.executable, "-c", _PROGRAM, *arguments, "--json"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("URNN_BENCH_")}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    if done.returncode not in _JUDGED or not done.stdout:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    return json.loads(done.stdout)
