"""What the process may use, from the texts and files of control groups, and from real limits."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from urnn_bench.machine import memory, processors
from urnn_bench.machine.control_groups import Group, parsed_groups

V2 = "26 22 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw shared:12 - cgroup cgroup rw,memory\n"
)
V1_PATHS = "9:name=systemd:/user\n4:memory:/slurm/job_7\n2:cpu,cpuacct:/batch\n"
CASES = {
    "v2": ("0::/\n", V2, "memory", ["/sys/fs/cgroup"]),
    "v2, nested": (
        "0::/slurm/job_7\n",
        V2,
        "cpu",
        ["/sys/fs/cgroup/slurm/job_7", "/sys/fs/cgroup/slurm", "/sys/fs/cgroup"],
    ),
    "v2, a container that sees its own group as the root": (
        "0::/docker/abc\n",
        V2.replace("0:23 /", "0:23 /docker/abc"),
        "memory",
        ["/sys/fs/cgroup"],
    ),
    "v2, a container with a group below its own": (
        "0::/docker/abc/job\n",
        V2.replace("0:23 /", "0:23 /docker/abc"),
        "memory",
        ["/sys/fs/cgroup/job", "/sys/fs/cgroup"],
    ),
    "v2, of another name space": ("0::/../../other\n", V2, "memory", ["/sys/fs/cgroup"]),
    "v1": (
        V1_PATHS,
        V1,
        "memory",
        [f"/sys/fs/cgroup/memory{p}" for p in ("/slurm/job_7", "/slurm", "")],
    ),
    "v1, two controllers of one mount": (
        V1_PATHS,
        V1,
        "cpu",
        ["/sys/fs/cgroup/cpu,cpuacct/batch", "/sys/fs/cgroup/cpu,cpuacct"],
    ),
    "v1, a container": (
        "4:memory:/docker/abc\n",
        V1.replace("0:32 /", "0:32 /docker/abc"),
        "memory",
        ["/sys/fs/cgroup/memory"],
    ),
    "both, memory in v1": (
        f"{V1_PATHS}0::/user\n",
        V1,
        "memory",
        [f"/sys/fs/cgroup/memory{p}" for p in ("/slurm/job_7", "/slurm", "")],
    ),
    "a space in a path": (
        "0::/\n",
        V2.replace("/sys/fs/cgroup", r"/mnt/my\040groups"),
        "memory",
        ["/mnt/my groups"],
    ),
    "nothing mounted": ("0::/\n", "", "memory", []),
    "no groups": ("", V2, "memory", []),
    "nonsense": ("a\n:::\n\n", "x\n", "memory", []),
}


@pytest.mark.parametrize(("paths", "mounts", "controller", "folders"), CASES.values(), ids=CASES)
def test_the_groups_that_limit_a_process(paths, mounts, controller, folders):
    found = parsed_groups(paths, mounts, controller)
    assert [str(group.folder) for group in found] == folders
    assert {group.version for group in found} <= {2 if "cgroup2" in mounts else 1}


def group(folder, version, **files):
    for name, text in files.items():
        (folder / re.sub("__", ".", name)).write_text(text)
    return Group(version, folder)


STAT = "anon 5\ninactive_file 30\n"
NO_LIMIT = str(2**63 - 4096)


@pytest.mark.parametrize(
    ("version", "files", "room"),
    [
        (2, {"memory__max": "max\n", "memory__current": "70\n"}, None),
        (2, {}, None),
        (2, {"memory__max": "100\n", "memory__current": "70\n"}, (30, None)),
        (2, {"memory__max": "100", "memory__current": "70", "memory__stat": STAT}, (60, None)),
        (2, {"memory__max": "100", "memory__swap__max": "0"}, (100, 0)),
        (2, {"memory__max": "9", "memory__swap__max": "8", "memory__swap__current": "3"}, (9, 5)),
        (2, {"memory__max": "nonsense"}, None),
        (1, {}, None),
        (1, {"memory__limit_in_bytes": "100", "memory__usage_in_bytes": "70"}, (30, None)),
        (
            1,
            {"memory__limit_in_bytes": "100", "memory__stat": f"{STAT}total_inactive_file 4\n"},
            (104, None),
        ),
        (
            1,
            {"memory__limit_in_bytes": "100", "memory__memsw__limit_in_bytes": "150"},
            (100, 50),
        ),
        (1, {"memory__limit_in_bytes": NO_LIMIT}, (int(NO_LIMIT), None)),
    ],
)
def test_the_room_of_a_group(tmp_path, version, files, room):
    assert memory.group_room(group(tmp_path, version, **files)) == room


@pytest.mark.parametrize(
    ("version", "files", "quota"),
    [
        (2, {"cpu__max": "max 100000\n"}, None),
        (2, {"cpu__max": "150000 100000\n"}, 1.5),
        (2, {}, None),
        (1, {"cpu__cfs_quota_us": "-1\n", "cpu__cfs_period_us": "100000\n"}, None),
        (1, {"cpu__cfs_quota_us": "50000\n", "cpu__cfs_period_us": "100000\n"}, 0.5),
        (1, {"cpu__cfs_quota_us": "50000\n", "cpu__cfs_period_us": "0\n"}, None),
    ],
)
def test_the_quota_of_a_group(tmp_path, version, files, quota):
    assert processors.group_quota(group(tmp_path, version, **files)) == quota


def doctor(bench):
    rows = [line.split("\t") for line in bench("doctor").out.splitlines()]
    return {row[1]: row[2] for row in rows if row[0] == "system"}


def test_a_limit_of_address_space_is_what_is_free():
    program = (
        "import resource, psutil\n"
        "from urnn_bench.machine import memory\n"
        "room = 50 * 2**20\n"
        "used = psutil.Process().memory_info().vms\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))\n"
        "assert 0 < memory.free() <= room and memory.free_with_swap() <= room\n"
        "assert memory.total() == used + room\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_only_the_processors_of_the_process_count(bench):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert processors.count() == 1
        shown = doctor(bench)["processors"]
    finally:
        os.sched_setaffinity(0, before)
    assert shown == ("1" if os.cpu_count() == 1 else f"1 of {os.cpu_count()}")


@pytest.fixture
def memory_group():
    """Make a memory group of 900 MB and return its folder."""
    root = Path("/sys/fs/cgroup/memory")
    folder = root / f"urnn-bench-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text("900000000")
    except OSError as error:
        pytest.skip(f"no memory group can be made here: {error.strerror}")
    yield folder
    folder.rmdir()


def test_stacks_fit_into_a_real_memory_group(bench, memory_group):
    arguments = ("run", "tiny", "--model", "lstm", "--kernel", "eager", "--T", 500, "--batch", 20)
    sizes = ("--set", "hidden=64", "--seeds", 12, "--updates", 1, "--stacked", "--dry-run")
    words = " ".join(map(str, (*arguments, *sizes, "--json")))
    command = f"echo $$ > {memory_group}/tasks; exec {sys.executable} -m urnn_bench"
    # measuring an update of the first stack has to fit too
    for said in (f"{command} doctor", f"{command} {words}"):
        done = subprocess.run(
            ["sh", "-c", said], cwd=bench.folder, env=bench.env(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        if "doctor" in said:
            assert re.search(r"system\tmemory\t0\.9 GB of", done.stdout)
    stacks = [row["stack"] for row in json.loads(done.stdout)]
    assert 1 < len(set(stacks)) < 12
