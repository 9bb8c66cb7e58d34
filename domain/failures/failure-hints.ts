/**
 * Plain sentences for causes that often appear in the output of scripts. failure.ts puts them above the output. Each row
 * has an example in the tests.
 */

type Hint = {
  pattern: RegExp
  /** Receives the groups of the pattern. */
  sentence: (groups: Record<string, string | undefined>) => string
}

const image = '"?(?<image>\\w[\\w.\\-/:@]*\\w)"?'
const pulling = `pull(?:ing)?(?: and unpack)? image ${image}`

/** The first match wins: causes come before their consequences. A group may stand in several alternatives. */
const hints: readonly Hint[] = [
  {
    pattern: new RegExp(
      `${pulling}.*(?:not found|manifest unknown|does not exist)|manifest for ${image} not found|image ${image}:? (?:was )?not found`,
      'i',
    ),
    sentence: ({ image: name }) => `Image ${name} was not found in the registry.`,
  },
  {
    pattern: new RegExp(
      `${pulling}.*(?:unauthorized|authentication required|denied|forbidden)|pull access denied for ${image}`,
      'i',
    ),
    sentence: ({ image: name }) => `The registry does not allow to pull image ${name}, or it does not exist.`,
  },
  {
    pattern: new RegExp(`(?:ImagePullBackOff|ErrImagePull).*?(?:image ${image})?$`, 'im'),
    sentence: ({ image: name }) =>
      name === undefined ? 'An image could not be pulled.' : `Image ${name} could not be pulled.`,
  },
  { pattern: /OOMKilled|out of memory/i, sentence: () => 'The app used more memory than it may.' },
  {
    pattern: /exceeded quota:? ?(?<quota>[\w.-]+)?/i,
    sentence: ({ quota }) =>
      `The quota ${quota === undefined ? 'of the namespace' : quota} is used up. Archive a deployment, or ask for more.`,
  },
  {
    pattern: /\d+\/\d+ nodes are available|FailedScheduling|Insufficient (?:cpu|memory)/i,
    sentence: () => 'The cluster has no node with enough free capacity for a pod.',
  },
  {
    pattern: /CrashLoopBackOff|back-off restarting failed/i,
    sentence: () => 'The app ends soon after each start.',
  },
  {
    pattern: /(?<probe>readiness|liveness|startup) probe failed/i,
    sentence: ({ probe }) => `The ${probe?.toLowerCase()} probe of the app fails.`,
  },
  {
    pattern: /another operation \(install\/upgrade\/rollback\) is in progress/i,
    sentence: () => 'Helm still has an unfinished operation of this release.',
  },
  {
    pattern: /(?:field is immutable|updates to statefulset spec for fields other than)/i,
    sentence: () => 'A changed value belongs to a field that cannot change. Create a new deployment for it.',
  },
  {
    pattern: /namespaces "(?<namespace>[\w.-]+)" not found/i,
    sentence: ({ namespace }) => `The namespace ${namespace} does not exist.`,
  },
  {
    pattern: /is forbidden: User "(?<user>[^"]+)" cannot (?<verb>\w+) resource "(?<resource>[^"]+)"/i,
    sentence: ({ verb, resource }) => `The runner may not ${verb} ${resource} in the cluster (RBAC).`,
  },
  {
    pattern: /timed out waiting for the condition|context deadline exceeded/i,
    sentence: () => 'The app was not ready in time.',
  },
  {
    pattern:
      /(?:could not resolve host|no such host|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)):? ?(?<host>[\w.-]+)?/i,
    sentence: ({ host }) =>
      `The name of ${host === undefined ? 'a host' : `host ${host}`} could not be resolved.`,
  },
  { pattern: /connection refused|ECONNREFUSED/i, sentence: () => 'A server refused the connection.' },
  {
    pattern:
      /x509: certificate|unable to (?:verify the first certificate|get local issuer certificate)|SSL certificate problem/i,
    sentence: () => 'The certificate of a server is not trusted.',
  },
  { pattern: /no space left on device|ENOSPC/i, sentence: () => 'A disk is full.' },
  {
    pattern: /(?<command>[\w.+-]+): (?:command )?not found$/im,
    sentence: ({ command }) => `The program ${command} is not installed in the runner.`,
  },
]

/** Null: no known cause. */
export function findFailureHint(output: string): string | null {
  for (const { pattern, sentence } of hints) {
    const match = pattern.exec(output)
    if (match !== null) return sentence(match.groups ?? {})
  }
  return null
}
