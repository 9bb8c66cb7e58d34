#!/bin/sh
# The first process of a PID namespace (pid-namespace.ts). It reports on descriptor 3 that the script starts, runs the
# script, waits for it and exits with its exit code (128 plus the number for a signal). When this process exits, the
# kernel ends all others in the namespace. It has no signal handlers, so TERM reaches only the script. Messages of the
# shell ("Terminated") are discarded.
exec 4>&2 2>/dev/null
(echo >&3 && exec "$@" 2>&4 3>&- 4>&-)
exit $?
