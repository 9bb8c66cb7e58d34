/** Turns what the doctor has found out into findings: at least one for each subject. Called by functions/doctor. */
import { roles } from '../access/roles.ts'
import { type DoctorFacts, knownValue, type Probed } from './facts.ts'
import { type Finding, levels, okFinding, type Subject, subjects, toFinding } from './finding-codes.ts'
import { judgePrograms } from './judge-programs.ts'
import { judgePostgres, judgeRedis } from './judge-stores.ts'

/** The worst of a subject first, subjects in their order. */
export function judge(facts: DoctorFacts): Finding[] {
  const found = [
    ...judgePostgres(facts),
    ...judgeRedis(facts),
    ...judgePrograms(facts),
    ...judgeScripts(facts),
    ...judgeActions(facts),
    ...judgeHistory(facts),
    ...judgeAudit(facts),
    ...judgeWebhooks(facts),
    ...judgeAccess(facts),
    ...judgeUnknown(facts),
  ]
  return sortFindings([...found, ...describeHealthy(facts, new Set(found.map(({ subject }) => subject)))])
}

export const sortFindings = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted(
    (one, other) =>
      subjects.indexOf(one.subject) - subjects.indexOf(other.subject) ||
      levels.indexOf(other.level) - levels.indexOf(one.level),
  )

function* judgeScripts({ failingScripts }: DoctorFacts): Generator<Finding> {
  const failing = knownValue(failingScripts) ?? []
  if (failing.length === 0) return
  const list = failing.map(({ script, count }) => (count === 1 ? script : `${script} (${count} times)`))
  yield toFinding('scripts_failing', `The last run has failed of: ${list.join(', ')}.`)
}

/** Longer waits are those of a full or missing runner. */
const longWaitSeconds = 120
const manyLateChecks = 3

function* judgeActions({ actions, pauses }: DoctorFacts): Generator<Finding> {
  for (const { what, since, by, reason } of knownValue(pauses) ?? [])
    yield toFinding('work_paused', `${by} has paused ${what} since ${since.slice(0, 16)}Z: ${reason}`)
  const known = knownValue(actions)
  if (known === null) return
  const { queued, oldestQueuedSeconds, lateChecks } = known
  if (queued > 0 && oldestQueuedSeconds > longWaitSeconds)
    yield toFinding(
      'actions_wait',
      `${queued} queued, the oldest for ${Math.round(oldestQueuedSeconds / 60)} min.`,
    )
  if (lateChecks >= manyLateChecks)
    yield toFinding('checks_late', `The checks of ${lateChecks} deployments are late.`)
}

const largeBytes = 5 * 1024 ** 3

function* judgeHistory({ history }: DoctorFacts): Generator<Finding> {
  const known = knownValue(history)
  if (known === null || known.isLimited) return
  const bytes = Math.max(known.outputBytes, known.tableBytes)
  if (bytes >= largeBytes)
    yield toFinding(
      'history_unlimited',
      `Its tables have ${formatGigabytes(bytes)}, and nothing limits them.`,
    )
}

/** Runners seal every few seconds. */
const lateSealSeconds = 300

function* judgeAudit({ audit }: DoctorFacts): Generator<Finding> {
  const known = knownValue(audit)
  if (known === null || known.oldestUnsealedSeconds <= lateSealSeconds) return
  const minutes = Math.round(known.oldestUnsealedSeconds / 60)
  yield toFinding('audit_unsealed', `${known.unsealed} entries have no seal, the oldest for ${minutes} min.`)
}

function* judgeWebhooks({ webhooks }: DoctorFacts): Generator<Finding> {
  for (const { name, failed, waitingWithError } of knownValue(webhooks) ?? []) {
    const parts = [
      ...(failed > 0 ? [`${failed} given up in the last 30 days`] : []),
      ...(waitingWithError > 0 ? [`${waitingWithError} tried again`] : []),
    ]
    if (parts.length > 0) yield toFinding('webhook_failing', `Deliveries of ${name}: ${parts.join(', ')}.`)
  }
}

function* judgeAccess({ access: { anonymousRole, givesCredential } }: DoctorFacts): Generator<Finding> {
  if (anonymousRole !== 'none' && roles.indexOf(anonymousRole) >= roles.indexOf('developer'))
    yield toFinding('anonymous_changes', `Everyone who reaches the server has the role ${anonymousRole}.`)
  if (givesCredential)
    yield toFinding(
      'credential_for_everyone',
      '/config.json gives APP_AUTHORIZATION_HEADER to everyone who can read it.',
    )
}

/** What PostgreSQL did not tell although it answers. */
function* judgeUnknown(facts: DoctorFacts): Generator<Finding> {
  if (!('value' in facts.postgres)) return
  const asked: [Subject, Probed<unknown>][] = [
    ['postgresql', facts.databaseRights],
    ['actions', facts.actions],
    ['actions', facts.pauses],
    ['history', facts.history],
    ['audit', facts.audit],
    ['webhooks', facts.webhooks],
    ['scripts', facts.failingScripts],
  ]
  for (const [subject, probed] of asked)
    if ('problem' in probed)
      yield toFinding('not_found_out', `A question about this failed: ${probed.problem}.`, subject)
}

/** Nothing is said about what is not known. */
function* describeHealthy(facts: DoctorFacts, judged: ReadonlySet<Subject>): Generator<Finding> {
  const messages: Partial<Record<Subject, string | null>> = {
    ...describeStores(facts),
    ...describePrograms(facts),
    actions: describe(facts.actions, ({ running, queued, waiting }) =>
      [`${running} running`, `${queued} queued`, ...(waiting > 0 ? [`${waiting} waiting`] : [])].join(', '),
    ),
    history: describe(
      facts.history,
      ({ tableBytes, isLimited }) =>
        `its tables have ${formatGigabytes(tableBytes)}, ${isLimited ? 'and are limited' : 'without a limit'}`,
    ),
    audit: describe(facts.audit, ({ unsealed }) =>
      unsealed === 0 ? 'all entries are sealed' : `runners seal the newest entries (${unsealed}) soon`,
    ),
    webhooks: describe(facts.webhooks, (known) =>
      known.length === 0 ? 'none has deliveries that wait or have failed' : 'deliveries are received',
    ),
    access: 'nobody may change anything without signing in',
  }
  for (const subject of subjects) {
    const message = messages[subject]
    if (!judged.has(subject) && message) yield okFinding(subject, message)
  }
}

const describe = <Value>(probed: Probed<Value>, text: (value: Value) => string): string | null =>
  'value' in probed ? text(probed.value) : null

function describeStores({ postgres, redis }: DoctorFacts) {
  const inMs = (latencyMs: number) => `answers in ${Math.max(1, Math.round(latencyMs))} ms`
  return {
    postgresql: describe(postgres, ({ version, latencyMs }) => `version ${version}, ${inMs(latencyMs)}`),
    redis: describe(redis, ({ version, latencyMs }) =>
      [...(version === '' ? [] : [`version ${version}`]), inMs(latencyMs)].join(', '),
    ),
    clocks:
      'value' in postgres || 'value' in redis ? 'servers, runners and stores agree within two seconds' : null,
  }
}

function describePrograms({ programs, policyProblems }: DoctorFacts) {
  const known = knownValue(programs)
  const count = (kind: 'server' | 'runner') => known?.filter((one) => one.kind === kind).length ?? 0
  return {
    servers:
      known === null
        ? 'this one answers'
        : `${counted(count('server'), 'server')} of ${known.some(({ version }) => version !== 'unknown') ? 'one' : 'unknown'} version`,
    runners: known === null ? null : counted(count('runner'), 'runner'),
    scripts: count('runner') === 0 ? null : 'complete, executable and the same at all runners',
    policy: policyProblems === null ? 'there is no policy file (OCTOPOD_POLICY)' : 'the file is in use',
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

function formatGigabytes(bytes: number): string {
  const megabytes = bytes / 1024 ** 2
  return megabytes < 1024 ? `${Math.round(megabytes)} MiB` : `${(megabytes / 1024).toFixed(1)} GiB`
}
