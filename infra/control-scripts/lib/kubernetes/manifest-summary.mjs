/**
 * Summarizes rendered manifests: references to all objects, the workloads with their images and replica counts, and the
 * links. The summary contains no Secret data, so it can be cached. Called by the helm and kubectl scripts.
 */
import { findLinks } from './links.mjs'

/** Kinds that have pods, each with its API group. */
const workloadKinds = {
  Deployment: 'apps',
  StatefulSet: 'apps',
  DaemonSet: 'apps',
  ReplicaSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
  postgresql: 'acid.zalan.do',
  Kafka: 'kafka.strimzi.io',
}

/** → { objects, workloads, links, definedKinds }. Objects without a namespace belong to `namespace`. */
export function summarizeManifests(documents, namespace) {
  const objects = documents
    .flatMap(expandList)
    .filter((object) => object?.kind && object.metadata?.name && !isHook(object))
  const references = objects.map((object) => ({ ...referenceOf(object, namespace), object }))
  return {
    objects: references.map(({ object, ...identity }) => identity),
    workloads: references.filter(isWorkload).map(({ object, ...identity }) => ({
      ...identity,
      replicas: Number(object.spec?.replicas ?? object.spec?.numberOfInstances ?? 1),
      images: imagesOf(object),
      selector: selectorOf(object),
      claims: (object.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name),
      // Kubernetes deletes such a job after it has finished.
      isDeletedWhenDone: object.kind === 'Job' && object.spec?.ttlSecondsAfterFinished !== undefined,
    })),
    links: findLinks(objects),
    definedKinds: objects
      .filter(({ kind }) => kind === 'CustomResourceDefinition')
      .map(({ spec }) => spec?.names?.kind),
  }
}

/** → references to the objects of helm's hooks */
export function hookReferences(documents, namespace) {
  return documents
    .flatMap(expandList)
    .filter((object) => object?.kind && object.metadata?.name)
    .map((object) => referenceOf(object, namespace))
}

export function apiGroup(apiVersion) {
  return apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
}

/** Helm creates and deletes its hooks itself, so they do not belong to the release. */
function isHook(object) {
  return object.metadata?.annotations?.['helm.sh/hook'] !== undefined
}

/** Maps container names to images, including init containers. */
export function imagesOf(object) {
  const pod = podTemplateOf(object)?.spec ?? {}
  const containers = [...(pod.initContainers ?? []), ...(pod.containers ?? [])]
  return Object.fromEntries(containers.map(({ name, image }) => [name, image ?? '']))
}

function podTemplateOf(object) {
  return object.kind === 'CronJob' ? object.spec?.jobTemplate?.spec?.template : object.spec?.template
}

/** The labels of the workload's pods. */
function selectorOf(object) {
  const { kind, spec, metadata } = object
  if (kind === 'Kafka') return { 'strimzi.io/cluster': metadata.name }
  if (kind === 'postgresql') return { 'cluster-name': metadata.name }
  if (kind === 'Job') return { 'job-name': metadata.name }
  return spec?.selector?.matchLabels ?? podTemplateOf(object)?.metadata?.labels ?? {}
}

function isWorkload({ apiVersion, kind }) {
  return Object.hasOwn(workloadKinds, kind) && workloadKinds[kind] === apiGroup(apiVersion)
}

function referenceOf({ apiVersion, kind, metadata }, namespace) {
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? namespace }
}

function expandList(document) {
  return document?.kind?.endsWith('List') && Array.isArray(document.items) ? document.items : [document]
}
