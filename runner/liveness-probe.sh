#!/bin/sh
# Is the runner of this container alive? Exits 0 when its heart (heartbeat.ts) has beaten within the last $1 seconds (30).
# For probes of Kubernetes and health checks of containers; reads HEARTBEAT_FILE as the runner does.
[ -n "$(find "${HEARTBEAT_FILE:?is not set: the runner tells nobody that it lives}" -newermt "-${1:-30} seconds" 2>/dev/null)" ]
