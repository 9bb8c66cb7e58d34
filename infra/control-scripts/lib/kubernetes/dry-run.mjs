/**
 * Asks the API server whether it would take manifests, without changing anything. They are "created" for the trial: each is
 * checked whole, also where it exists already, while a trial update would mix in what is there now.
 */
import { CommandFailure } from '../command.mjs'
import { getObjects, kubectl } from './kubectl.mjs'

/** What an object that exists is refused for only because the trial counts it twice. */
const countedTwice = /already allocated|exceeded quota/

/**
 * → [{ kind, name, says, paths, unknownKind }], a problem each; paths: the fields it is about; unknownKind: what the cluster
 * has no definition of. @throws CommandFailure when it cannot be asked
 */
export async function refusals(text, namespace) {
  try {
    await kubectl(['create', '--dry-run=server', '-n', namespace, '-o', 'name', '-f', '-'], { input: text })
    return []
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    const lines = error.stderr.split(/\n(?=Error from server|error: |The \S+ ")/).map((line) => line.trim())
    const problems = lines
      .filter((line) => !/^(Error from server \(AlreadyExists\)|Warning:|$)/.test(line))
      .map(problemOf)
    if (problems.some(({ isAnswer }) => !isAnswer)) throw error
    return await withoutDoubles(problems, namespace)
  }
}

function problemOf(line) {
  const [, unknownKind] = /no matches for kind "([^"]+)"/.exec(line) ?? []
  if (unknownKind !== undefined)
    return {
      isAnswer: true,
      unknownKind,
      paths: [],
      says: `The cluster has no kind ${unknownKind}: its custom resource definition is not installed.`,
    }
  const said = line
    .replace(/^Error from server(?: \(\w+\))?: (?:error when creating "STDIN": )?/, '')
    .replace(/,? ?(?:\(e\.g\. [^()]*)?,? regex used for validation is '[^']*'\)?/g, '')
  const [, kind, name] = /^(?:The )?([A-Za-z]+)(?:\.[\w.-]+)? "([^"]+)" is invalid/.exec(said) ?? []
  const [, other] = /^(\w+) in version "[^"]+" cannot be handled as a \w+: /.exec(said) ?? []
  const isForbidden =
    /^[a-z.]+ "[^"]+" is forbidden: /.test(said) || /namespaces "[^"]+" not found/.test(said)
  const isDenied = /^admission webhook /.test(said)
  return {
    isAnswer: kind !== undefined || other !== undefined || isForbidden || isDenied,
    kind: kind ?? other,
    name,
    paths: pathsIn(said),
    says: plain(said),
  }
}

/** `spec.ports[0].port: Invalid value`, `unknown field "spec.x"`, `Go struct field ServicePort.spec.ports.port of type`. */
function pathsIn(said) {
  const found = [
    ...said.matchAll(
      /(?:^|[\s[])((?:spec|metadata|data|stringData|rules|webhooks|type)(?:[.[][^\s:,]*)?): /g,
    ),
    ...said.matchAll(/unknown field "([^"]+)"/g),
    ...said.matchAll(/Go struct field \w+\.(\S+) of type/g),
  ]
  // Go names what it embeds: `spec.rules.IngressRuleValue.http`.
  return [...new Set(found.map(([, path]) => path.replace(/\.[A-Z]\w*(?=\.)/g, '')))]
}

/** What the server's decoder says, in words. */
function plain(said) {
  return said
    .replace(/^(\w+) in version "[^"]+" cannot be handled as a \w+: /, '$1: ')
    .replace(
      /(?:json: )?cannot unmarshal (\w+) into Go struct field \w+\.(\S+) of type (\S+)/,
      '$2 is of type $1 instead of $3',
    )
    .replace('strict decoding error: ', '')
    .replace(/^The (?=\w+ ")/, '')
    .replace(/\s*\n\s*/g, ' ')
}

/** Kinds that the manifests themselves bring along are unknown only until then. */
export const unlessOwned = (problems, { owns }) =>
  problems.filter(({ unknownKind }) => !owns.includes(unknownKind))

async function withoutDoubles(problems, namespace) {
  const doubtful = problems.filter(({ says, name, kind }) => kind && name && countedTwice.test(says))
  if (doubtful.length === 0) return problems
  const named = doubtful.map(({ kind, name }) => ({ apiVersion: 'v1', kind, namespace, name }))
  const live = new Set((await getObjects(named)).map(({ kind, metadata }) => `${kind}/${metadata.name}`))
  return problems.filter((each) => !doubtful.includes(each) || !live.has(`${each.kind}/${each.name}`))
}
