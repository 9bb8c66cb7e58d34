#!/bin/sh
# Ends scripts when their runner cannot: because it has exited (also by kill -9), or because it is frozen and a lease
# expires. Started by watchdog.ts, one per runner. $1: the time between TERM and KILL in tenths of a second. $2: the
# seconds between two checks of the deadlines. $3: the path of the folder with the config file of a script (config-file.ts),
# without its marker. Reads these lines from the runner:
#   register MARKER DEADLINE    before a script starts
#   set_pid MARKER PID TICKS    after it has started, with the time then
#   extend MARKER DEADLINE      after its lease was renewed
#   unregister MARKER           after it has ended
# Times are in hundredths of a second of /proc/uptime, which changes of the system time do not affect; a deadline of 0
# means none. A shell script, because it runs beside every runner: it needs 1 MB, Node needs 45 MB.

trap '' HUP INT TERM
grace=$1
interval=$2
config_folder=${3:-}
# Entries MARKER:PID:TICKS:DEADLINE, separated by spaces.
entries=' '

# Removes the entry of MARKER $1 and sets $script to its PID:TICKS and $deadline. Returns 1 without an entry.
remove_entry() {
  case $entries in *" $1:"*) ;; *) return 1 ;; esac
  before=${entries%%" $1:"*}
  after=${entries#*" $1:"}
  entries="$before ${after#* }"
  entry=${after%% *}
  script=${entry%:*}
  deadline=${entry##*:}
}

# Sets $group and $start of process $1. Returns 1 when there is no such process.
read_stat() {
  { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return
  # The fields after the name: state, parent, group … start.
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  group=$3
  start=${20:-999999999999}
}

# Returns 0 when the group $1 belongs to the script that ran at the time $2. Its number is used again when the script
# has ended and the group is empty. So a process in it must be known: the script itself, one with the marker, or one
# that was in the group before.
is_group_of_script() {
  read_stat "$1" && [ "$start" -le "${2:-0}" ] && return
  for process in $marked; do
    read_stat "$process" && [ "$group" = "$1" ] && return
  done
  for process in $known; do
    read_stat "${process%:*}" && [ "$group" = "$1" ] && [ "$start" = "${process#*:}" ] && return
  done
  return 1
}

# Sets $marked and $groups to the processes and the groups of the scripts MARKER:PID:TICKS. Returns 1 without any.
find_processes() {
  patterns=
  for script in "$@"; do patterns="$patterns -e OCTOPOD_PROCESS=${script%%:*}"; done
  marked=
  # shellcheck disable=SC2086
  for file in $(grep -lF $patterns /proc/[0-9]*/environ 2>/dev/null); do
    file=${file#/proc/}
    marked="$marked ${file%/environ}"
  done
  groups=
  for script in "$@"; do
    script=${script#*:}
    [ "$script" != : ] && is_group_of_script "${script%:*}" "${script#*:}" || continue
    kill -s 0 -- "-${script%:*}" 2>/dev/null && groups="$groups -${script%:*}"
  done
  [ -n "$marked$groups" ]
}

# Sets $known to PROCESS:START of all processes in $groups.
remember_groups() {
  known=
  patterns=
  for number in $groups; do patterns="$patterns -e ') [A-Z] [0-9]* ${number#-} '"; done
  [ -n "$patterns" ] || return
  for file in $(eval "grep -l $patterns /proc/[0-9]*/stat" 2>/dev/null); do
    file=${file#/proc/}
    read_stat "${file%/stat}" && known="$known ${file%/stat}:$start"
  done
}

# Sends signal $1 to what find_processes has found. The groups come first, so that no process escapes by forking.
send_signal() {
  for target in $groups $marked; do kill -s "$1" -- "$target" 2>/dev/null; done
}

# Sets $now to the time.
read_clock() {
  read -r up _ < /proc/uptime || return
  now=${up%.*}${up#*.}
}

# Ends the scripts MARKER:PID:TICKS from $2 on, and removes their config files; KILL comes at $1.
end_scripts() {
  end_processes "$@"
  shift
  [ -n "$config_folder" ] || return 0
  for script in "$@"; do rm -rf -- "$config_folder${script%%:*}"; done
}

# Reads the clock instead of counting, because on a busy machine each search for processes takes long.
end_processes() {
  kill_at=$1
  shift
  known=
  find_processes "$@"
  remember_groups
  send_signal TERM
  send_signal CONT
  while read_clock && [ "$now" -lt "$kill_at" ] && find_processes "$@"; do
    sleep 0.1
  done
  # Repeated, because a process that forks or executes another program may be missing once.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find_processes "$@" || return 0
    send_signal KILL
    sleep 0.1
  done
}

check_deadlines() {
  read_clock || return
  for entry in $entries; do
    deadline=${entry##*:}
    [ "$deadline" -gt 0 ] && [ "$deadline" -lt "$now" ] || continue
    marker=${entry%%:*}
    remove_entry "$marker"
    # In the background, so that other deadlines are still checked.
    end_scripts $((deadline + grace * 10)) "$marker:$script" &
  done
}

run() {
  while read -r command marker value ticks; do
    case $command in
      register) entries="$entries$marker:::$value " ;;
      set_pid)
        if remove_entry "$marker"; then entries="$entries$marker:$value:$ticks:$deadline "
        # The deadline has passed before the script started, because the runner was frozen in between.
        elif read_clock; then end_scripts "$now" "$marker:$value:$ticks" &
        fi ;;
      extend) remove_entry "$marker" && entries="$entries$marker:$script:$value " ;;
      unregister) remove_entry "$marker" ;;
      check_deadlines) check_deadlines ;;
      runner_exited) break ;;
    esac
  done
  scripts=
  for entry in $entries; do scripts="$scripts ${entry%:*}"; done
  # shellcheck disable=SC2086
  [ -z "$scripts" ] || { read_clock && end_scripts $((now + grace * 10)) $scripts; }
  wait
}

# A FIFO joins the lines of the runner and the ticks of a timer. The end of stdin means that the runner has exited.
# This process reads the FIFO itself: when it is killed, the writers get a broken pipe, and the runner starts another
# watchdog. Any writable folder will do; in a container with a read-only disk that is /dev/shm.
make_fifo() {
  for parent in /tmp /dev/shm /run; do
    dir=$(mktemp -d "$parent/octopod.XXXXXX" 2>/dev/null) || continue
    mkfifo "$dir/lines" && return 0
    rm -r "$dir"
  done
  return 1
}
exec 3<&0
if make_fifo; then
  {
    while sleep "$interval"; do echo check_deadlines; done 3<&- &
    timer=$!
    while read -r line; do echo "$line"; done
    echo runner_exited
    kill -KILL "$timer"
  } <&3 >"$dir/lines" 2>/dev/null &
  exec 0<"$dir/lines" 3<&-
  rm -r "$dir"
else
  # Without the FIFO no deadlines are checked; only the exit of the runner is noticed. The runner logs this line.
  echo '/tmp, /dev/shm and /run cannot be written' >&2
fi
run
