/**
 * Sends manifests to the API server as a dry run, to learn what it would reject. It uses create, not apply: create
 * validates each whole object even if it exists, and apply would merge it with the live object. immutable-fields.mjs
 * sends the objects that exist a second time. Called by config_check.
 */
import { CommandError } from '../command.mjs'
import { getObjects, kubectl } from './kubectl.mjs'

/** Errors that an existing object causes only because the dry run counts it twice. */
const duplicateOnlyErrors = /already allocated|exceeded quota/

/**
 * → [{ kind, name, message, paths, unknownKind }], one per problem. `paths`: the wrong fields. `unknownKind`: a kind
 * without a definition in the cluster. @throws CommandError when the API server cannot be reached
 */
export async function dryRunProblems(text, namespace) {
  return await withoutExistingObjects(await runDryRun(['create'], text, namespace), namespace)
}

/**
 * `command`: create or apply, with options. → the problems
 * @throws CommandError when the API server cannot be reached; with `isTolerant` unknown errors are left out
 */
export async function runDryRun(command, text, namespace, { isTolerant = false } = {}) {
  try {
    await kubectl([...command, '--dry-run=server', '-n', namespace, '-o', 'name', '-f', '-'], { input: text })
    return []
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const lines = error.stderr.split(/\n(?=Error from server|error: |The \S+ ")/).map((line) => line.trim())
    const problems = lines
      .filter((line) => !/^(Error from server \(AlreadyExists\)|Warning:|$)/.test(line))
      .map(parseProblem)
    const known = problems.filter(({ isFromApiServer }) => isFromApiServer)
    if (known.length < problems.length && !isTolerant) throw error
    return known
  }
}

function parseProblem(line) {
  const [, unknownKind] = /no matches for kind "([^"]+)"/.exec(line) ?? []
  if (unknownKind !== undefined)
    return {
      isFromApiServer: true,
      unknownKind,
      paths: [],
      message: `The cluster has no kind ${unknownKind}: its custom resource definition is not installed.`,
    }
  const text = line
    .replace(/^Error from server(?: \(\w+\))?: (?:error when creating "STDIN": )?/, '')
    .replace(/,? ?(?:\(e\.g\. [^()]*)?,? regex used for validation is '[^']*'\)?/g, '')
  const [, kind, name] = /^(?:The )?([A-Za-z]+)(?:\.[\w.-]+)? "([^"]+)" is invalid/.exec(text) ?? []
  const [, decodedKind] = /^(\w+) in version "[^"]+" cannot be handled as a \w+: /.exec(text) ?? []
  const isForbidden =
    /^[a-z.]+ "[^"]+" is forbidden: /.test(text) || /namespaces "[^"]+" not found/.test(text)
  const isDenied = /^admission webhook /.test(text)
  return {
    isFromApiServer: kind !== undefined || decodedKind !== undefined || isForbidden || isDenied,
    kind: kind ?? decodedKind,
    name,
    paths: fieldPaths(text),
    message: readableMessage(text),
  }
}

/**
 * `spec.ports[0].port: Invalid value`, `unknown field "spec.x"`, `Go struct field ServicePort.spec.ports.port of type`.
 */
function fieldPaths(text) {
  const found = [
    ...text.matchAll(
      /(?:^|[\s[])((?:spec|metadata|data|stringData|rules|webhooks|type)(?:[.[][^\s:,]*)?): /g,
    ),
    ...text.matchAll(/unknown field "([^"]+)"/g),
    ...text.matchAll(/Go struct field \w+\.(\S+) of type/g),
  ]
  // Go includes the names of embedded structs: `spec.rules.IngressRuleValue.http`.
  return [...new Set(found.map(([, path]) => path.replace(/\.[A-Z]\w*(?=\.)/g, '')))]
}

/** Removes the internal details from an error message of the API server. */
export function readableMessage(text) {
  return text
    .replace(/^(\w+) in version "[^"]+" cannot be handled as a \w+: /, '$1: ')
    .replace(
      /(?:json: )?cannot unmarshal (\w+) into Go struct field \w+\.(\S+) of type (\S+)/,
      '$2 is of type $1 instead of $3',
    )
    .replace('strict decoding error: ', '')
    .replace(/^The (?=\w+ ")/, '')
    .replace(/\s*\n\s*/g, ' ')
}

/** Drops problems with kinds that the manifests or the chart themselves define. */
export const withoutDefinedKinds = (problems, definedKinds) =>
  problems.filter(({ unknownKind }) => !definedKinds.includes(unknownKind))

async function withoutExistingObjects(problems, namespace) {
  const candidates = problems.filter(
    ({ message, name, kind }) => kind && name && duplicateOnlyErrors.test(message),
  )
  if (candidates.length === 0) return problems
  const references = candidates.map(({ kind, name }) => ({ apiVersion: 'v1', kind, namespace, name }))
  const existing = new Set(
    (await getObjects(references)).map(({ kind, metadata }) => `${kind}/${metadata.name}`),
  )
  return problems.filter(
    (problem) => !candidates.includes(problem) || !existing.has(`${problem.kind}/${problem.name}`),
  )
}
