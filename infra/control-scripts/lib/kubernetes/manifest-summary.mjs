/**
 * What a rendered chart or folder of manifests consists of, as far as scripts care: its objects, its workloads with their
 * images and counts, its links. Nothing of a Secret is in it, so it may be kept in the cache.
 */
import { linksOf } from './links.mjs'

/** Kinds that have pods, and where their count stands. */
export const workloadKinds = {
  Deployment: 'apps',
  StatefulSet: 'apps',
  DaemonSet: 'apps',
  ReplicaSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
  postgresql: 'acid.zalan.do',
  Kafka: 'kafka.strimzi.io',
}

/** `documents` as they were rendered; objects without a namespace are in `namespace`. */
export function outlineOf(documents, namespace) {
  const objects = documents
    .flatMap(unlisted)
    .filter((each) => each?.kind && each.metadata?.name && !isHook(each))
  const named = objects.map((object) => ({ ...identityOf(object, namespace), object }))
  return {
    objects: named.map(({ object, ...identity }) => identity),
    workloads: named.filter(isWorkload).map(({ object, ...identity }) => ({
      ...identity,
      replicas: Number(object.spec?.replicas ?? object.spec?.numberOfInstances ?? 1),
      images: imagesOf(object),
      selector: selectorOf(object),
      // A job that removes itself when it is done.
      leaves: object.kind === 'Job' && object.spec?.ttlSecondsAfterFinished !== undefined,
    })),
    links: linksOf(objects),
    owns: objects
      .filter(({ kind }) => kind === 'CustomResourceDefinition')
      .map(({ spec }) => spec?.names?.kind),
  }
}

export function groupOf(apiVersion) {
  return apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
}

/** Hooks of helm come and go by themselves. */
export function isHook(object) {
  return object.metadata?.annotations?.['helm.sh/hook'] !== undefined
}

/** container → image, init containers too: they decide as well whether it is the configured release. */
export function imagesOf(object) {
  const pod = podTemplateOf(object)?.spec ?? {}
  const containers = [...(pod.initContainers ?? []), ...(pod.containers ?? [])]
  return Object.fromEntries(containers.map(({ name, image }) => [name, image ?? '']))
}

function podTemplateOf(object) {
  return object.kind === 'CronJob' ? object.spec?.jobTemplate?.spec?.template : object.spec?.template
}

/** The labels by which its pods are found. */
function selectorOf(object) {
  const { kind, spec, metadata } = object
  if (kind === 'Kafka') return { 'strimzi.io/cluster': metadata.name }
  if (kind === 'postgresql') return { 'cluster-name': metadata.name }
  if (kind === 'Job') return { 'job-name': metadata.name }
  return spec?.selector?.matchLabels ?? podTemplateOf(object)?.metadata?.labels ?? {}
}

function isWorkload({ apiVersion, kind }) {
  return Object.hasOwn(workloadKinds, kind) && workloadKinds[kind] === groupOf(apiVersion)
}

function identityOf({ apiVersion, kind, metadata }, namespace) {
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? namespace }
}

function unlisted(document) {
  return document?.kind?.endsWith('List') && Array.isArray(document.items) ? document.items : [document]
}
