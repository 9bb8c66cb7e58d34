/** Decides from the status of a live workload whether it is ready. Pure. Called by health.mjs. */

/**
 * → { ready, serving, message }. `serving`: at least one pod is available. `configured`: the replica count in the
 * chart, so that a workload that was scaled to zero by hand does not count as ready.
 */
export function readiness(object, configured) {
  const { spec = {}, status = {}, metadata } = object
  if (metadata.deletionTimestamp) return notReady('is being deleted')
  switch (object.kind) {
    case 'Deployment':
    case 'ReplicaSet': {
      const desired = desiredReplicas(spec.replicas, configured)
      const updated = object.kind === 'Deployment' ? (status.updatedReplicas ?? 0) : (status.replicas ?? 0)
      const available = status.availableReplicas ?? 0
      const oldReplicas = (status.replicas ?? 0) - updated
      if (!isObserved(object))
        return { ...notReady('has not been seen by its controller yet'), serving: available > 0 }
      if (updated < desired) return partlyReady(available, `has updated ${updated} of ${desired} replicas`)
      if (available < desired)
        return partlyReady(available, `has ${available} of ${desired} replicas available`)
      if (oldReplicas > 0)
        return partlyReady(
          available,
          `still has ${oldReplicas} old ${oldReplicas === 1 ? 'replica' : 'replicas'}`,
        )
      return ready(available)
    }
    case 'StatefulSet': {
      const desired = desiredReplicas(spec.replicas, configured)
      const available = Math.min(
        status.readyReplicas ?? 0,
        status.availableReplicas ?? status.readyReplicas ?? 0,
      )
      const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
      const replicasToUpdate = spec.updateStrategy?.type === 'OnDelete' ? 0 : Math.max(0, desired - partition)
      const isRolling =
        status.updateRevision !== undefined && status.updateRevision !== status.currentRevision
      const updated = isRolling ? (status.updatedReplicas ?? 0) : desired
      if (!isObserved(object))
        return { ...notReady('has not been seen by its controller yet'), serving: available > 0 }
      if (updated < replicasToUpdate)
        return partlyReady(available, `has updated ${updated} of ${replicasToUpdate} replicas`)
      if (available < desired)
        return partlyReady(available, `has ${available} of ${desired} replicas available`)
      return ready(available)
    }
    case 'DaemonSet': {
      const desired = status.desiredNumberScheduled ?? 0
      const updated = status.updatedNumberScheduled ?? 0
      const available = status.numberAvailable ?? 0
      if (!isObserved(object))
        return { ...notReady('has not been seen by its controller yet'), serving: available > 0 }
      if (updated < desired && spec.updateStrategy?.type !== 'OnDelete')
        return partlyReady(available, `has updated ${updated} of ${desired} pods`)
      if (available < desired) return partlyReady(available, `has ${available} of ${desired} pods available`)
      return ready(available)
    }
    case 'Job': {
      const hasCondition = (type) =>
        (status.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True')
      if (hasCondition('Complete') || hasCondition('SuccessCriteriaMet'))
        return { ready: true, serving: false, message: '' }
      if (hasCondition('Failed')) return notReady('has failed')
      return partlyReady(
        status.ready ?? 0,
        `has ${status.succeeded ?? 0} of ${spec.completions ?? 1} completions`,
      )
    }
    default:
      return { ready: true, serving: false, message: '' }
  }
}

/** Whether the status describes the current spec. */
function isObserved({ metadata, status }) {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

function desiredReplicas(replicas, configured) {
  return Math.max(replicas ?? 1, configured > 0 ? 1 : 0)
}

const ready = (available) => ({ ready: true, serving: available > 0, message: '' })
const notReady = (message) => ({ ready: false, serving: false, message })
const partlyReady = (available, message) => ({ ready: false, serving: available > 0, message })
