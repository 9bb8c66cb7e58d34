#!/bin/sh
# The first process of a script's own PID namespace: runs the script, waits for it and says how it ended (128 and its number for a
# signal). With it the kernel ends all others in there. A first process without handlers hears no TERM: only the script does.
# The shell's own words ("Terminated") are nobody's.
exec 3>&2 2>/dev/null
(exec "$@" 2>&3 3>&-)
exit $?
