/** Whether one live workload is ready, by what its controller says in its status. Pure. */

/**
 * → { ready, serving, says }: serving means that some pod of it is available. `configured`: its count in the chart,
 * so that one which was scaled to zero behind our back is not taken for ready.
 */
export function readiness(object, configured) {
  const { spec = {}, status = {}, metadata } = object
  if (metadata.deletionTimestamp) return down('is being deleted')
  switch (object.kind) {
    case 'Deployment':
    case 'ReplicaSet': {
      const wanted = wantedOf(spec.replicas, configured)
      const updated = object.kind === 'Deployment' ? (status.updatedReplicas ?? 0) : (status.replicas ?? 0)
      const available = status.availableReplicas ?? 0
      const left = (status.replicas ?? 0) - updated
      if (!isSeen(object))
        return { ...down('has not been seen by its controller yet'), serving: available > 0 }
      if (updated < wanted) return part(available, `has updated ${updated} of ${wanted} replicas`)
      if (available < wanted) return part(available, `has ${available} of ${wanted} replicas available`)
      if (left > 0) return part(available, `still has ${left} old ${left === 1 ? 'replica' : 'replicas'}`)
      return up(available)
    }
    case 'StatefulSet': {
      const wanted = wantedOf(spec.replicas, configured)
      const available = Math.min(
        status.readyReplicas ?? 0,
        status.availableReplicas ?? status.readyReplicas ?? 0,
      )
      const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
      const toUpdate = spec.updateStrategy?.type === 'OnDelete' ? 0 : Math.max(0, wanted - partition)
      const isRolling =
        status.updateRevision !== undefined && status.updateRevision !== status.currentRevision
      const updated = isRolling ? (status.updatedReplicas ?? 0) : wanted
      if (!isSeen(object))
        return { ...down('has not been seen by its controller yet'), serving: available > 0 }
      if (updated < toUpdate) return part(available, `has updated ${updated} of ${toUpdate} replicas`)
      if (available < wanted) return part(available, `has ${available} of ${wanted} replicas available`)
      return up(available)
    }
    case 'DaemonSet': {
      const wanted = status.desiredNumberScheduled ?? 0
      const updated = status.updatedNumberScheduled ?? 0
      const available = status.numberAvailable ?? 0
      if (!isSeen(object))
        return { ...down('has not been seen by its controller yet'), serving: available > 0 }
      if (updated < wanted && spec.updateStrategy?.type !== 'OnDelete')
        return part(available, `has updated ${updated} of ${wanted} pods`)
      if (available < wanted) return part(available, `has ${available} of ${wanted} pods available`)
      return up(available)
    }
    case 'Job': {
      const is = (type) =>
        (status.conditions ?? []).some((each) => each.type === type && each.status === 'True')
      if (is('Complete') || is('SuccessCriteriaMet')) return { ready: true, serving: false, says: '' }
      if (is('Failed')) return down('has failed')
      return part(status.ready ?? 0, `has ${status.succeeded ?? 0} of ${spec.completions ?? 1} completions`)
    }
    default:
      return { ready: true, serving: false, says: '' }
  }
}

/** Its spec as it is now is what its status speaks of. */
function isSeen({ metadata, status }) {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

function wantedOf(replicas, configured) {
  return Math.max(replicas ?? 1, configured > 0 ? 1 : 0)
}

const up = (available) => ({ ready: true, serving: available > 0, says: '' })
const down = (says) => ({ ready: false, serving: false, says })
const part = (available, says) => ({ ready: false, serving: available > 0, says })
