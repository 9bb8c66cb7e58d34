/** Findings about servers and runners: what each reports, and where they differ. Called by judge.ts. */
import { type DoctorFacts, knownValue } from './facts.ts'
import { type Finding, type Subject, toFinding } from './finding-codes.ts'
import { shorten } from './judge-stores.ts'
import { type SeenProgram, silentAfterMs } from './program-report.ts'

/** Tokens, leases and relative times allow a little. */
const clockToleranceMs = 2000

export function* judgePrograms(facts: DoctorFacts): Generator<Finding> {
  yield* judgeClocks(facts)
  if (facts.policyProblems)
    yield toFinding('policy_rejected', problemsOf('This server', facts.policyProblems))
  const all = knownValue(facts.programs)
  if (all === null)
    return yield toFinding(
      'runners_unknown',
      'Which runners are alive is not known, because Redis does not say.',
    )
  const silent = all.filter(({ silentMs }) => silentMs > silentAfterMs)
  const alive = all.filter(({ silentMs }) => silentMs <= silentAfterMs)
  const runners = alive.filter(({ kind }) => kind === 'runner')
  for (const { kind, name, silentMs } of silent)
    yield toFinding(
      'program_silent',
      `${name} reported ${formatSilence(silentMs)} ago for the last time.`,
      subjectOf[kind],
    )
  yield* judgeNumber(runners.length, facts.connectedRunners)
  for (const { kind, name } of alive.filter(({ clockOffsetMs }) => clockOffsetMs === null))
    if ('value' in facts.postgres)
      yield toFinding('program_without_database', `PostgreSQL does not answer ${name}.`, subjectOf[kind])
  yield* judgeDifferences(alive)
  yield* judgeScripts(runners)
  yield* judgePolicies(alive, facts.self)
}

const subjectOf: Record<SeenProgram['kind'], Subject> = { server: 'servers', runner: 'runners' }

function* judgeNumber(reporting: number, connected: number | null): Generator<Finding> {
  // A killed runner has reported a moment ago.
  if (connected === 0 || (connected === null && reporting === 0))
    yield toFinding('no_runner', 'No runner is alive, so actions wait.')
  else if (connected !== null && connected > reporting)
    yield toFinding(
      'runner_without_report',
      `${connected} runners are connected to Redis, and ${reporting} of them report.`,
    )
}

function* judgeClocks({ self, postgres, redis, programs }: DoctorFacts): Generator<Finding> {
  const stores = { PostgreSQL: knownValue(postgres), Redis: knownValue(redis) }
  for (const [name, state] of Object.entries(stores))
    if (state !== null && Math.abs(state.clockOffsetMs) > clockToleranceMs)
      yield toFinding('clock_wrong', describeOffset(name, state.clockOffsetMs, 'this server'))
  for (const { name, clockOffsetMs, silentMs } of knownValue(programs) ?? [])
    if (
      name !== self &&
      clockOffsetMs !== null &&
      Math.abs(clockOffsetMs) > clockToleranceMs &&
      silentMs <= silentAfterMs
    )
      yield toFinding('clock_wrong', describeOffset(name, clockOffsetMs, 'PostgreSQL'))
}

const describeOffset = (name: string, offsetMs: number, other: string): string =>
  `The clock of ${name} is ${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${offsetMs > 0 ? 'ahead of' : 'behind'} that of ${other}.`

function* judgeDifferences(alive: readonly SeenProgram[]): Generator<Finding> {
  const versions = groupNames(alive, ({ version }) => version)
  if (versions.size > 1)
    yield toFinding(
      'versions_differ',
      `${[...versions].map(([version, names]) => `${version} at ${shorten(names)}`).join('; ')}.`,
    )
  const names = new Set(alive.flatMap(({ settings }) => Object.keys(settings)))
  const different = [...names].filter((name) => countDifferent(alive, ({ settings }) => settings[name]) > 1)
  if (different.length > 0)
    yield toFinding(
      'settings_differ',
      `Servers and runners have different values of ${different.join(', ')}.`,
    )
}

function* judgeScripts(runners: readonly SeenProgram[]): Generator<Finding> {
  for (const { name, scripts } of runners) {
    if (scripts === undefined) continue
    if (scripts.problems.length > 0)
      yield toFinding('scripts_broken', `At ${name}: ${scripts.problems.join('; ')}.`)
    if (scripts.unknownManifestKeys.length > 0)
      yield toFinding(
        'manifest_unknown_keys',
        `${name} ignores ${shorten(scripts.unknownManifestKeys)} in octopod.yaml.`,
      )
  }
  const groups = groupNames(runners, ({ scripts }) => scripts?.digest)
  if (groups.size > 1)
    yield toFinding(
      'scripts_differ',
      `Runners have ${groups.size} different sets of scripts: ${[...groups.values()].map(shorten).join('; ')}.`,
    )
}

function* judgePolicies(alive: readonly SeenProgram[], self: string): Generator<Finding> {
  const inUse = alive.filter(({ policy }) => policy.digest !== null)
  for (const { kind, name, policy } of alive) {
    if (policy.problems === 0 || name === self) continue
    if (kind === 'runner')
      yield toFinding('policy_unreadable', `${name} cannot read the policy that the servers have accepted.`)
    else yield toFinding('policy_rejected', problemsOf(name, policy.problems))
  }
  const groups = groupNames(inUse, ({ policy }) => policy.digest ?? undefined)
  if (groups.size > 1)
    yield toFinding(
      'policy_differs',
      `${groups.size} different policies are in use: ${[...groups.values()].map(shorten).join('; ')}.`,
    )
}

const problemsOf = (who: string, count: number): string =>
  `${who} rejects the present file with ${count} problem${count === 1 ? '' : 's'}, and an earlier policy is in use.`

const countDifferent = (
  all: readonly SeenProgram[],
  read: (one: SeenProgram) => string | undefined,
): number => groupNames(all, read).size

/** The names of the programs by a value. Those without it are left out: older versions do not report it. */
function groupNames(
  all: readonly SeenProgram[],
  read: (one: SeenProgram) => string | undefined,
): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const one of all) {
    const value = read(one)
    if (value !== undefined) groups.set(value, [...(groups.get(value) ?? []), one.name])
  }
  return groups
}

const formatSilence = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
