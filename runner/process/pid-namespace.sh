#!/bin/sh
# The first process of a script's own PID namespace: tells on descriptor 3 that there is a process for the script, runs it, waits for
# it and says how it ended (128 and its number for a signal). With it the kernel ends all others in there. A first process without
# handlers hears no TERM: only the script does. The shell's own words ("Terminated") are nobody's.
exec 4>&2 2>/dev/null
(echo >&3 && exec "$@" 2>&4 3>&- 4>&-)
exit $?
