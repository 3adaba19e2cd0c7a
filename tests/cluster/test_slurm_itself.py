"""What the program relies on in Slurm itself, through Slurm's own commands."""

from cluster.slurm import waited_for

# a training of seconds: it notes the signals it gets, and ends on SIGTERM
TRAINING = """\
trap 'echo training: TERM; exit 3' TERM
echo training: ready
while true; do sleep 0.1; done
"""

# what a batch script does so that a time limit requeues it, and scancel does not
BATCH = """\
stop() { echo "shell: $1"; kill -TERM $training 2>/dev/null; }
trap 'requeue=yes; stop USR1' USR1
trap 'requeue=no; stop TERM' TERM
echo "restarts: ${SLURM_RESTART_COUNT:-none}"
bash training.sh & training=$!
# a trapped signal ends `wait`, and not what it waits for
while kill -0 $training 2>/dev/null; do wait $training; done
if [ "$requeue" = yes ]; then
  scontrol requeue ${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}
fi
"""


def submitted(slurm, folder, *options):
    (folder / "training.sh").write_text(TRAINING)
    job = slurm.submit(folder, BATCH, "--array=0", *options)
    waited_for(lambda: "ready" in lines(folder, 0))
    return job


def lines(folder, task):
    output = folder / f"{task}.out"
    return output.read_text() if output.exists() else ""


def test_each_task_of_an_array_knows_its_number(slurm, tmp_path):
    names = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_CPUS_PER_TASK", "SLURMD_NODENAME")
    shown = " ".join(f"${name}" for name in names)
    job = slurm.submit(
        tmp_path, f"echo {shown} restarts=$SLURM_RESTART_COUNT", "--array=0-1", "--cpus-per-task=1"
    )
    seen = [waited_for(lambda task=task: lines(tmp_path, task)).split() for task in (0, 1)]
    node = slurm("sinfo", "--noheader", "--format=%n")
    assert seen == [[job, str(task), "1", node, "restarts="] for task in (0, 1)]


def test_an_array_reaches_one_below_its_largest_size(slurm, tmp_path):
    config = slurm("scontrol", "show", "config").splitlines()
    (size,) = (int(line.split("=")[1]) for line in config if line.startswith("MaxArraySize"))
    slurm("scancel", slurm.submit(tmp_path, "true", f"--array={size - 1}"))
    refused = ("sbatch", f"--array={size}", "--wrap=true")
    assert "Invalid job array specification" in slurm(*refused, code=1)


def test_a_time_limit_sends_its_signal_to_the_shell_and_a_requeued_task_runs_again(slurm, tmp_path):
    # Slurm looks at the limits every 30 s, and sends a signal at the last look before it is due
    job = submitted(slurm, tmp_path, "--time=1", "--signal=B:USR1@30")
    waited_for(lambda: lines(tmp_path, 0).count("ready") == 2)
    assert lines(tmp_path, 0).index("shell: USR1") < lines(tmp_path, 0).index("training: TERM")
    assert "restarts: none" in lines(tmp_path, 0)
    assert "restarts: 1" in lines(tmp_path, 0)
    slurm("scancel", job)


def test_a_shell_that_alone_gets_sigterm_passes_it_on(slurm, tmp_path):
    # where control groups hold the processes, scancel and a time limit signal the shell alone
    job = submitted(slurm, tmp_path)
    slurm("scancel", "--batch", "--signal=TERM", job)
    waited_for(lambda: slurm.state(job)[0] == "COMPLETED")
    assert lines(tmp_path, 0).index("shell: TERM") < lines(tmp_path, 0).index("training: TERM")


def test_scancel_sends_sigterm_and_a_cancelled_task_does_not_run_again(slurm, tmp_path):
    job = submitted(slurm, tmp_path)
    slurm("scancel", job)
    waited_for(lambda: slurm.state(job)[0] == "CANCELLED")
    assert "shell: TERM" in lines(tmp_path, 0)
    assert "training: TERM" in lines(tmp_path, 0)
    assert slurm("squeue", "--noheader", f"--jobs={job}") == ""
