#!/bin/sh
# Ends scripts when their runner cannot: because it has exited (also by kill -9), or because it is frozen and a lease
# expires. Started by watchdog.ts, one per runner. $1: the time between TERM and KILL in tenths of a second. $2: the
# seconds between two checks of the deadlines. Reads these lines from the runner:
#   register MARKER DEADLINE    before a script starts
#   set_pid MARKER PID          after it has started
#   extend MARKER DEADLINE      after its lease was renewed
#   unregister MARKER           after it has ended
# A deadline is in hundredths of a second of /proc/uptime, which changes of the system time do not affect; 0 means
# none. A shell script, because it runs beside every runner: it needs 1 MB, Node needs 45 MB.

trap '' HUP INT TERM
grace=$1
interval=$2
# Entries MARKER:PID:DEADLINE, separated by spaces.
entries=' '

# Removes the entry of MARKER $1 and sets $pid and $deadline to its values. Returns 1 without an entry.
remove_entry() {
  case $entries in *" $1:"*) ;; *) return 1 ;; esac
  before=${entries%%" $1:"*}
  after=${entries#*" $1:"}
  entries="$before ${after#* }"
  entry=${after%% *}
  pid=${entry%:*}
  deadline=${entry#*:}
}

# Sends signal $1 to all processes of the scripts MARKER:PID that follow. Returns 1 when no process is left.
signal_all() {
  found=1
  patterns=
  signal=$1
  shift
  for script in "$@"; do
    patterns="$patterns -e OCTOPOD_PROCESS=${script%%:*}"
    group=${script#*:}
    [ -n "$group" ] && kill -s "$signal" -- "-$group" 2>/dev/null && found=0
  done
  # shellcheck disable=SC2086
  for environment in $(grep -lF $patterns /proc/[0-9]*/environ 2>/dev/null); do
    process=${environment#/proc/}
    kill -s "$signal" "${process%/environ}" 2>/dev/null && found=0
  done
  return $found
}

# Sets $now to the hundredths of a second since the machine started.
read_clock() {
  read -r up _ < /proc/uptime || return
  now=${up%.*}${up#*.}
}

# Ends the scripts MARKER:PID from $2 on; KILL comes at $1. Reads the clock instead of counting, because on a busy
# machine each search for processes takes long.
end_scripts() {
  kill_at=$1
  shift
  signal_all TERM "$@"
  signal_all CONT "$@"
  while read_clock && [ "$now" -lt "$kill_at" ] && signal_all 0 "$@"; do
    sleep 0.1
  done
  # Repeated, because a process may fork between two searches.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    signal_all KILL "$@" || return 0
    sleep 0.1
  done
}

check_deadlines() {
  read_clock || return
  for script in $entries; do
    deadline=${script##*:}
    [ "$deadline" -gt 0 ] && [ "$deadline" -lt "$now" ] || continue
    remove_entry "${script%%:*}"
    # In the background, so that other deadlines are still checked.
    end_scripts $((deadline + grace * 10)) "${script%:*}" &
  done
}

run() {
  while read -r command marker value; do
    case $command in
      register) entries="$entries$marker::$value " ;;
      set_pid)
        if remove_entry "$marker"; then entries="$entries$marker:$value:$deadline "
        # The deadline has passed before the script started, because the runner was frozen in between.
        elif read_clock; then end_scripts "$now" "$marker:$value" &
        fi ;;
      extend) remove_entry "$marker" && entries="$entries$marker:$pid:$value " ;;
      unregister) remove_entry "$marker" ;;
      check_deadlines) check_deadlines ;;
      runner_exited) break ;;
    esac
  done
  scripts=
  for script in $entries; do scripts="$scripts ${script%:*}"; done
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
