"""A Slurm of one node, which a test asks for by the fixture "slurm"."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("slurm.sh")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "sinfo")


class Slurm:
    """A Slurm whose commands this process finds by SLURM_CONF."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __call__(self, *command, code=0, **kwargs):
        """Run a command of Slurm; return what it wrote to both outputs."""
        joined = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run([str(word) for word in command], timeout=60, **joined, **kwargs)
        assert done.returncode == code, done.stdout
        return done.stdout.strip()

    def submit(self, folder, script, *options):
        """Submit a batch script that runs in the folder; return the id of the job."""
        options = (
            "--parsable",
            f"--chdir={folder}",
            "--output=%a.out",
            "--open-mode=append",
            *options,
        )
        return self("sbatch", *options, input=f"#!/bin/bash\n{script}\n")

    def state(self, job):
        """Return the state of a job, such as RUNNING, and its reason for waiting."""
        shown = self("scontrol", "--oneliner", "show", "job", job)
        values = dict(word.split("=", 1) for word in shown.split() if "=" in word)
        return values["JobState"], values["Reason"]


def waited_for(found, within_s=60):
    """Return what a function finds, once it is neither false nor absent."""
    end_s = time.monotonic() + within_s
    while not (value := found()):
        assert time.monotonic() < end_s, f"nothing within {within_s} s"
        time.sleep(0.1)
    return value


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """Start a Slurm, one in each worker of pytest, and end it after the tests."""
    if os.geteuid() != 0 or not _installed():
        pytest.skip("Slurm is not installed, or this is not root: tests/cluster/slurm.sh install")
    folder = tmp_path_factory.mktemp("slurm")
    _script("start", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield Slurm(folder)
    _script("stop", folder)


def _installed():
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return all(shutil.which(program, path=path) for program in PROGRAMS)


def _script(verb, folder):
    done = subprocess.run([SCRIPT, verb, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
