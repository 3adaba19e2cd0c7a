#!/usr/bin/env bash
# A Slurm of one node for tests: everything it writes lies in one folder, and it listens on the
# loopback interface alone.
#
#   slurm.sh install         install the Debian or Ubuntu packages, where they are missing
#   slurm.sh start FOLDER    start it, and print the exports to evaluate
#   slurm.sh stop FOLDER     cancel its jobs and end all that `start` began
set -euo pipefail

PACKAGES=(munge slurm-client slurmctld slurmd)
PROGRAMS=(munged slurmctld slurmd sbatch scontrol sinfo)
PATH="$PATH:/usr/sbin:/sbin"

main() {
  case "${1:-} $#" in
    "install 1") install ;;
    "start 2") start "$(realpath -m "$2")" ;;
    "stop 2") stop "$(realpath -m "$2")" ;;
    *) fail "usage: slurm.sh install | start FOLDER | stop FOLDER" ;;
  esac
}

fail() {
  echo "slurm.sh: $*" >&2
  exit 1
}

# ---- install

install() {
  if installed; then return; fi
  command -v apt-get >/dev/null || fail "install ${PACKAGES[*]}: there is no apt-get here"
  [ "$(id -u)" = 0 ] || fail "install ${PACKAGES[*]} as root: apt-get install ${PACKAGES[*]}"
  apt-get update -qq || fail "apt-get update fails: the package lists cannot be had"
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${PACKAGES[@]}" \
    >/dev/null || fail "apt-get cannot install ${PACKAGES[*]}"
}

installed() {
  local program
  for program in "${PROGRAMS[@]}"; do
    command -v "$program" >/dev/null || return 1
  done
}

# ---- start

start() {
  local folder=$1
  installed || fail "Slurm is not installed: $0 install"
  [ "$(id -u)" = 0 ] || fail "start needs root: slurmd starts jobs as their users"
  [ ! -e "$folder/slurm.conf" ] || fail "$folder has a Slurm: $0 stop $folder"
  # the path of a Unix socket has at most 107 characters
  [ "${#folder}" -le 90 ] || fail "$folder is too long a path: munge needs at most 90 characters"
  mkdir -p "$folder/state" "$folder/spool" "$folder/log" "$folder/pid"
  configure "$folder" >"$folder/slurm.conf"
  export SLURM_CONF="$folder/slurm.conf"
  start_munge "$folder"
  start_daemon "$folder" slurmctld -c -i
  start_daemon "$folder" slurmd
  wait_until_idle || give_up "$folder"
  echo "export SLURM_CONF=$(printf %q "$SLURM_CONF")"
}

configure() {
  local folder=$1 cpus
  cpus=$(nproc)
  cat <<CONF
ClusterName=tests
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
# no daemon listens beyond its own address
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a requeued job waits for cred_expire: 120 seconds by default, 6 at least
AuthInfo=socket=$folder/munge.socket,cred_expire=6
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/pid/slurmctld.pid
SlurmdPidFile=$folder/pid/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
# a container lends no control groups; as they do, pgid also finds children of a shell that ended
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
MaxArraySize=10
KillWait=5
OverTimeLimit=0
MinJobAge=60
InactiveLimit=0
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=tests Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

# a port of the loopback interface on which nothing listens, below those of outgoing connections
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

start_munge() {
  local folder=$1
  (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
  # --force: the folder may belong to anyone, and root runs it
  start_daemon "$folder" munged --force --num-threads=2 --socket="$folder/munge.socket" \
    --key-file="$folder/munge.key" --seed-file="$folder/munge.seed" \
    --pid-file="$folder/pid/munged.daemon.pid" --log-file="$folder/log/munged.log"
  for _ in {1..100}; do
    if [ -S "$folder/munge.socket" ]; then return; fi
    sleep 0.05
  done
  give_up "$folder"
}

# run a daemon in a session of its own, so that a signal to the caller's group spares it
start_daemon() {
  local folder=$1 name=$2 foreground=-D
  shift 2
  if [ "$name" = munged ]; then foreground=--foreground; fi
  setsid "$name" "$foreground" "$@" </dev/null >"$folder/log/$name.out" 2>&1 &
  echo $! >"$folder/pid/$name"
}

wait_until_idle() {
  local end=$((SECONDS + 60))
  until [ "$(timeout 5 sinfo --noheader --format=%T 2>/dev/null)" = idle ]; do
    if [ "$SECONDS" -ge "$end" ]; then return 1; fi
    sleep 0.2
  done
}

give_up() {
  local folder=$1
  tail -n 15 "$folder"/log/*.out >&2
  stop "$folder"
  fail "Slurm does not start in $folder; the last lines of its logs stand above"
}

# ---- stop

stop() {
  local folder=$1 name
  [ -e "$folder/slurm.conf" ] || fail "$folder has no Slurm: $0 start $folder"
  export SLURM_CONF="$folder/slurm.conf"
  cancel_jobs
  for name in slurmd slurmctld munged; do
    end_daemon "$folder/pid/$name"
  done
  end_processes_of_jobs
  rm "$folder/slurm.conf"
}

# cancel until no job is left: one that traps SIGTERM may put itself back
cancel_jobs() {
  local end=$((SECONDS + 15))
  while [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] && [ "$SECONDS" -lt "$end" ]; do
    timeout 5 scancel --user="$(id -un)" 2>/dev/null || return 0
    sleep 0.2
  done
}

end_daemon() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  # the id may belong to another process by now
  if of_this_slurm "$pid"; then end "$pid"; fi
  rm "$1"
}

# end what jobs left behind: each process of one has both variables
end_processes_of_jobs() {
  local folder pid
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    if of_this_slurm "$pid" && has_variable "$pid" SLURM_JOB_ID=; then end "$pid"; fi
  done
}

of_this_slurm() {
  has_variable "$1" "SLURM_CONF=$SLURM_CONF"$'\n'
}

has_variable() {
  [[ $'\n'$(tr '\0' '\n' 2>/dev/null <"/proc/$1/environ")$'\n' == *$'\n'"$2"* ]] 2>/dev/null
}

# SIGTERM, and SIGKILL after five seconds; a process that ended has no environment any more
end() {
  kill -TERM "$1" 2>/dev/null || return 0
  for _ in {1..100}; do
    if ! of_this_slurm "$1"; then return; fi
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || true
}

main "$@"
