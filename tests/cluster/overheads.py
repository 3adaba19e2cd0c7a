"""Time what each engine costs beside training: ``python tests/cluster/overheads.py FILE.csv``.

Slurm is measured where sbatch is there: tests/cluster/slurm.sh starts one of this machine.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

RUNS = (2, 300)
COMMAND = ("run", "copy", "--T", "10", "--model", "lstm", "--updates", "5", "-q")
PORT = 6388
ENGINES = {
    "jobs 1": ("--jobs", "1"),
    "jobs 2": ("--jobs", "2"),
    "slurm": ("--on", "slurm", "--jobs", "2"),
    "ray": ("--on", "ray"),
    "ray, running": ("--on", f"ray:127.0.0.1:{PORT}"),
}


def timed(engine, count, folder):
    """Return the seconds until the first run of so many began, and until all have ended."""
    results, began_s = folder / f"{engine}-{count}".replace(" ", "_"), time.time()
    words = (*COMMAND, "--seeds", str(count), "--results", str(results), *ENGINES[engine])
    subprocess.run([sys.executable, "-m", "urnn_bench", *words], check=True, stderr=sys.stderr)
    while engine == "slurm" and subprocess.check_output(["squeue", "--noheader"]):
        time.sleep(0.1)
    total_s = time.time() - began_s
    records = [json.loads(path.read_text()) for path in results.glob("copy/*/run.json")]
    assert [record["status"] for record in records] == ["done"] * count
    started = [record["sessions"][0]["started"] for record in records]
    first_s = min(datetime.fromisoformat(at).timestamp() for at in started) - began_s
    return round(first_s, 1), round(total_s, 1)


def ray(*words):
    path = Path(sys.executable).with_name("ray")
    subprocess.run([path, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main(path):
    """Write a row for each engine and number of runs."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    with tempfile.TemporaryDirectory() as folder, open(path, "w", newline="") as file:
        os.environ["XDG_CONFIG_HOME"] = folder
        profile = Path(folder) / "urnn-bench/slurm/default.yaml"
        profile.parent.mkdir(parents=True)
        profile.write_text(f"cpus: 1\nprogram: [{sys.executable}, -m, urnn_bench]\n")
        rows = csv.writer(file)
        rows.writerow(("engine", "runs", "first_s", "total_s"))
        for engine in ENGINES:
            if engine == "slurm" and shutil.which("sbatch") is None:
                continue
            if engine == "ray, running":
                ray("start", "--head", f"--port={PORT}", "--include-dashboard=false")
            rows.writerows((engine, n, *timed(engine, n, Path(folder))) for n in RUNS)
            if engine == "ray, running":
                ray("stop", "--force")


if __name__ == "__main__":
    main(sys.argv[1])
