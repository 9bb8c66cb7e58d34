#!/bin/sh
# Ends scripts whose runner cannot: it is gone, however it went (kill -9 too), or it is frozen and their lease runs out.
# Started by watchdog.ts, one a runner: $1 is the grace between TERM and KILL in tenths of a second, $2 the seconds between
# two looks at the clock. It reads lines from the runner: "start MARK UNTIL" before a script is started, "is MARK PID" after
# that, "until MARK UNTIL" when its lease was renewed, "end MARK" when it has ended. UNTIL is in hundredths of a second of
# /proc/uptime, which no change of the clock moves; 0 stands for no lease.
# A shell, because it waits beside every runner: 1 MB, where node takes 45.

trap '' HUP INT TERM
grace=$1
every=$2
live=' '

# Words of a script in `live`: MARK:PID:UNTIL. Takes MARK's out, leaving it in $pid and $until.
take() {
  case $live in *" $1:"*) ;; *) return 1 ;; esac
  before=${live%%" $1:"*}
  after=${live#*" $1:"}
  live="$before ${after#* }"
  entry=${after%% *}
  pid=${entry%:*}
  until=${entry#*:}
}

# Sends a signal to all that are left of some scripts (MARK:PID words); false when nobody is.
tell() {
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
    stray=${environment#/proc/}
    kill -s "$signal" "${stray%/environ}" 2>/dev/null && found=0
  done
  return $found
}

# $now: hundredths of a second since the machine started.
clock() {
  read -r up _ < /proc/uptime || return
  now=${up%.*}${up#*.}
}

# $1: when to kill. By the clock, not by counting: on a busy machine each look at the processes takes its time.
end() {
  kill_at=$1
  shift
  tell TERM "$@"
  tell CONT "$@"
  while clock && [ "$now" -lt "$kill_at" ] && tell 0 "$@"; do
    sleep 0.1
  done
  # Again and again for a while: what was forked between two looks must not get away.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    tell KILL "$@" || return 0
    sleep 0.1
  done
}

look() {
  clock || return
  for script in $live; do
    until=${script##*:}
    [ "$until" -gt 0 ] && [ "$until" -lt "$now" ] || continue
    take "${script%%:*}"
    # In the background: the others' time goes on.
    end $((until + grace * 10)) "${script%:*}" &
  done
}

supervise() {
  while read -r verb mark word; do
    case $verb in
      start) live="$live$mark::$word " ;;
      is)
        if take "$mark"; then live="$live$mark:$word:$until "
        # Its time was up before it had started: its runner stood still in between.
        elif clock; then end "$now" "$mark:$word" &
        fi ;;
      until) take "$mark" && live="$live$mark:$pid:$word " ;;
      end) take "$mark" ;;
      look) look ;;
      gone) break ;;
    esac
  done
  scripts=
  for script in $live; do scripts="$scripts ${script%:*}"; done
  # shellcheck disable=SC2086
  [ -z "$scripts" ] || { clock && end $((now + grace * 10)) $scripts; }
  wait
}

# The runner's lines and the looks at the clock become one stream. That ours ends tells that the runner has. The reader must
# be this very process: should it be killed, the others find nobody to tell, and the runner starts another companion.
# Any place will do that can be written; in a container with a read-only disk that is /dev/shm.
place() {
  for within in /tmp /dev/shm /run; do
    dir=$(mktemp -d "$within/octopod.XXXXXX" 2>/dev/null) || continue
    mkfifo "$dir/lines" && return 0
    rm -r "$dir"
  done
  return 1
}
exec 3<&0
if place; then
  {
    while sleep "$every"; do echo look; done 3<&- &
    clock=$!
    while read -r line; do echo "$line"; done
    echo gone
    kill -KILL "$clock"
  } <&3 >"$dir/lines" 2>/dev/null &
  exec 0<"$dir/lines" 3<&-
  rm -r "$dir"
else
  # Then there are no looks at the clock: only a runner that is gone is noticed. The runner's log tells.
  echo '/tmp, /dev/shm and /run cannot be written' >&2
fi
supervise
