/**
 * Finds changes that the API server refuses for existing objects: fields that cannot change after the creation. Called
 * by config_check of helm and kubectl.
 */
import { runDryRun } from './dry-run.mjs'
import { objectKey, referenceTo } from './kubectl.mjs'

const immutable =
  /immutable|may not (?:be changed|change once set)|Forbidden: updates to|cannot be changed|can not be unset/
/** Fields of a StatefulSet that may change. */
const mutableStatefulSetFields = [
  ...['replicas', 'template', 'updateStrategy', 'ordinals', 'minReadySeconds', 'revisionHistoryLimit'],
  'persistentVolumeClaimRetentionPolicy',
]

/**
 * → problems like those of dryRunProblems. `documents`: the rendered manifests; `live`: the objects that exist. The
 * update is sent as a dry run, with the field manager that the installation uses. Only errors about fields that cannot
 * change count, because an apply refuses some manifests that helm 3 accepts.
 */
export async function updateProblems(documents, live, namespace, { fieldManager, format }) {
  const existing = new Map(live.map((object) => [objectKey(referenceTo(object)), object]))
  const pairs = documents.flatMap((document) => {
    const reference = referenceTo({ ...document, metadata: { namespace, ...document.metadata } })
    const object = existing.get(objectKey(reference))
    return object === undefined ? [] : [{ document, object }]
  })
  if (pairs.length === 0) return []
  const text = format(pairs.map(({ document }) => document))
  const options = ['--server-side', '--force-conflicts', `--field-manager=${fieldManager}`]
  const problems = await runDryRun(['apply', ...options], text, namespace, { isTolerant: true })
  const described = problems.flatMap((problem) => {
    const pair = pairs.find(
      ({ document }) => document.kind === problem.kind && document.metadata.name === problem.name,
    )
    return pair !== undefined && immutable.test(problem.message) ? [describeImmutable(problem, pair)] : []
  })
  return [...described, ...selectorProblems(pairs, described)]
}

/** One sentence that names the object and the field. `paths` are the values that differ, to find the config key. */
function describeImmutable(problem, { document, object }) {
  const changed = changedPaths(document.spec, object.spec, 'spec').filter(
    (path) =>
      document.kind !== 'StatefulSet' ||
      !mutableStatefulSetFields.includes(path.split('.')[1]?.replace(/\[.*/, '')),
  )
  const [named] = problem.paths.filter((path) => path !== 'spec')
  const paths = named === undefined ? changed : changed.filter((path) => path.startsWith(named))
  const field = named ?? topField(changed[0]) ?? 'spec'
  return { ...problem, paths: paths.length > 0 ? paths : problem.paths, message: sentence(document, field) }
}

/** An apply leaves labels that are no longer in the manifests; helm 3 would remove them and fail. */
function selectorProblems(pairs, known) {
  return pairs
    .filter(({ document, object }) => {
      const [before, after] = [object.spec?.selector?.matchLabels, document.spec?.selector?.matchLabels]
      return (
        before !== undefined &&
        after !== undefined &&
        document.kind !== 'PersistentVolumeClaim' &&
        Object.keys(before).some((label) => !(label in after)) &&
        !known.some(({ kind, name }) => kind === document.kind && name === document.metadata.name)
      )
    })
    .map(({ document }) => ({
      kind: document.kind,
      name: document.metadata.name,
      paths: ['spec.selector.matchLabels'],
      message: sentence(document, 'spec.selector'),
    }))
}

const sentence = ({ kind, metadata }, field) =>
  `${kind} ${metadata.name}: ${field} cannot change after the object was created. Undo the change, or archive and clean up the deployment and create it again.`

/** `spec.volumeClaimTemplates[0].spec.x` → `spec.volumeClaimTemplates` */
function topField(path) {
  return path?.split('.').slice(0, 2).join('.').replace(/\[.*$/, '')
}

/** The paths of values that the manifests set and the live object has otherwise. Defaults of the server are ignored. */
export function changedPaths(wanted, live, path) {
  if (wanted !== null && typeof wanted === 'object') {
    const isList = Array.isArray(wanted)
    return Object.entries(wanted).flatMap(([step, child]) =>
      changedPaths(child, live?.[step], isList ? `${path}[${step}]` : `${path}.${step}`),
    )
  }
  return wanted === null || wanted === live || String(wanted) === String(live) ? [] : [path]
}
