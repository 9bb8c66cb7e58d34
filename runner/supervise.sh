#!/bin/sh
# Ends the scripts of a runner that is gone, however it went (kill -9 too). Started by supervise.ts, one a runner.
# It reads lines from the runner: "start MARK" before a script is started, "is MARK PID" after that, "end MARK" when
# it has ended. The pipe ends when the runner does; what has not ended by then gets TERM, and KILL $1 tenths of
# a second later: its group, and whoever carries its mark in the environment.
# A shell, because it waits beside every runner: 1 MB, where node takes 45.

trap '' HUP INT TERM
grace=$1
live=' '

while read -r verb mark pid; do
  case $verb in
    start) live="$live$mark: " ;;
    is | end)
      case $live in *" $mark:"*) ;; *) continue ;; esac
      before=${live%%" $mark:"*}
      after=${live#*" $mark:"}
      live="$before ${after#* }"
      [ "$verb" = is ] && live="$live$mark:$pid "
      ;;
  esac
done

# Sends the signal to all that are left; false when nobody is.
tell() {
  found=1
  patterns=
  for script in $live; do
    patterns="$patterns -e OCTOPOD_PROCESS=${script%:*}"
    group=${script#*:}
    [ -n "$group" ] && kill -s "$1" -- "-$group" 2>/dev/null && found=0
  done
  # shellcheck disable=SC2086
  for environment in $(grep -lF $patterns /proc/[0-9]*/environ 2>/dev/null); do
    stray=${environment#/proc/}
    kill -s "$1" "${stray%/environ}" 2>/dev/null && found=0
  done
  return $found
}

[ "$live" = ' ' ] && exit 0
tell TERM
tell CONT
while [ "$grace" -gt 0 ] && tell 0; do
  sleep 0.1
  grace=$((grace - 1))
done
# Again and again for a while: what was forked between two looks must not get away.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  tell KILL || exit 0
  sleep 0.1
done
