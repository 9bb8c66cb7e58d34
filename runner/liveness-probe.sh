#!/bin/sh
# Liveness probe of a runner: exits with 0 when the runner has touched HEARTBEAT_FILE (heartbeat.ts) in the last $1
# seconds (30). Called by Kubernetes and by the health check of the image.
[ -n "$(find "${HEARTBEAT_FILE:?is not set: this runner writes no heartbeat}" -newermt "-${1:-30} seconds" 2>/dev/null)" ]
