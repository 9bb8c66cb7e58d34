/**
 * The mutants of mutations.ts: each removes one safeguard from the source code, and names the invariants that
 * are violated then.
 */
import type { Invariant } from './checker/history.ts'

export type Mutant = {
  file: string
  /** Must occur exactly once in the file. */
  search: string | RegExp
  replacement: string
  violates: readonly Invariant[]
  /** The test that probably finds it. */
  firstTest: 'crash-points' | 'random-plan'
}

export const mutants: Record<string, Mutant> = {
  'no unique index: two active actions of one deployment': {
    file: 'db/migrations/0002_tables.sql',
    search: /create unique index actions_one_active[^;]*;/,
    replacement: '',
    violates: ['I1'],
    firstTest: 'crash-points',
  },
  'no trigger that checks the fencing token of actions': {
    file: 'db/definitions/triggers.sql',
    search: /create or replace trigger enforce_fencing_token[^;]*;/,
    replacement: '',
    violates: ['I4'],
    firstTest: 'crash-points',
  },
  'no trigger that checks the fencing token of output': {
    file: 'db/definitions/triggers.sql',
    search: /create or replace trigger enforce_output_fencing_token[^;]*;/,
    replacement: '',
    violates: ['I4'],
    firstTest: 'crash-points',
  },
  'a start that does not check the fencing token': {
    file: 'db/definitions/functions.sql',
    search: /writer_token = p_fencing_token\n.* and state = 'queued' and .*\n.* is null/,
    replacement: 'writer_token = fencing_token where id = p_id',
    violates: ['I1', 'I3', 'I4'],
    firstTest: 'crash-points',
  },
  'an end that does not check the fencing token': {
    file: 'db/definitions/functions.sql',
    search:
      /writer_token = p_fencing_token\n {2}where id = p_id and fencing_token = p_fencing_token and state in/,
    replacement: 'writer_token = fencing_token where id = p_id and state in',
    violates: ['I4'],
    firstTest: 'crash-points',
  },
  'a renewal that does not check the fencing token': {
    file: 'db/queries/action-lifecycle.ts',
    search:
      /writer_token = \$\{fencingToken\}\n +where id = \$\{actionId\} and fencing_token = \$\{fencingToken\} (?=.*\n +returning)/,
    replacement: `writer_token = fencing_token where id = \${actionId} `,
    violates: ['I4'],
    firstTest: 'crash-points',
  },
  'a cleanup that does not check the fencing token': {
    file: 'db/queries/action-lifecycle.ts',
    search:
      /writer_token = \$\{fencingToken\}\n +where id = \$\{actionId\} and fencing_token = \$\{fencingToken\} (?=.*\n +if \(ended)/,
    replacement: `writer_token = fencing_token where id = \${actionId} `,
    violates: ['I4'],
    firstTest: 'crash-points',
  },
  'no recovery of lost actions': {
    file: 'runner/schedules/recovery.ts',
    search: '    await endExpiredActions(context, actions)\n',
    replacement: '',
    violates: ['I2'],
    firstTest: 'random-plan',
  },
  'no polling for actions whose notification was lost': {
    file: 'runner/schedules/recovery.ts',
    search: '    await actions.executeWaiting()\n',
    replacement: '',
    violates: ['I2'],
    firstTest: 'random-plan',
  },
  'no watchdog: the scripts of a lost runner keep running': {
    file: 'runner/process/watchdog.ts',
    search: '  spawnNext()\n\n  return {',
    replacement: '  return {',
    violates: ['I1', 'I6'],
    firstTest: 'crash-points',
  },
  'no search for the scripts of runners that were killed with their watchdog': {
    file: 'runner/schedules/orphans.ts',
    search: '      await endOrphans(context)\n',
    replacement: '      void endOrphans\n',
    violates: ['I1', 'I6'],
    firstTest: 'crash-points',
  },
  'a watchdog without deadlines: it notices only a runner that has ended': {
    file: 'runner/process/watchdog.sh',
    search: '[ "$deadline" -gt 0 ] && [ "$deadline" -lt "$now" ] || continue',
    replacement: 'continue',
    violates: ['I1', 'I6'],
    firstTest: 'crash-points',
  },
  'a script that is stopped only at the end of its lease': {
    file: 'runner/process/lease-deadline.ts',
    search: 'terminateAfterMs: leaseMs - killGraceMs - marginMs',
    replacement: 'terminateAfterMs: leaseMs',
    violates: ['I1', 'I6'],
    firstTest: 'crash-points',
  },
  'a script that is started before its start is committed': {
    file: 'runner/actions/execute-action.ts',
    search:
      /const change = await startUnlessCancelled\(execution, prepared.links\)\n.*publish\(context, change\)/,
    replacement:
      'const change = true\n    void startUnlessCancelled(execution, prepared.links).catch(() => {})',
    violates: ['I3'],
    firstTest: 'crash-points',
  },
  'signals that reach only the script, not its process group': {
    file: 'runner/process/process-tree.ts',
    search: '      if (!hadEnded) for (const group of groups) send(-group)\n',
    replacement: '      for (const group of groups) send(group)\n      if (groups.length > 0) return\n',
    violates: ['I1', 'I6'],
    firstTest: 'crash-points',
  },
  'an idempotency key that is not stored': {
    file: 'db/queries/enqueue-action.ts',
    search: /\$\{key\?\.key \?\? null\}, /,
    replacement: 'null, ',
    violates: ['I2', 'I3'],
    firstTest: 'random-plan',
  },
  'no detection of missed events': {
    file: 'functions/live/missed-events.ts',
    search: 'if (relayedCount < expectedCount)',
    replacement: 'if (relayedCount < 0)',
    violates: ['I5'],
    firstTest: 'random-plan',
  },
  'a page that applies every event, even an older one': {
    file: 'client/deployment-store.ts',
    search: 'if (deployment.revision <= known.revision) return false',
    replacement: '',
    violates: ['I5'],
    firstTest: 'crash-points',
  },
  'a page that updates the revision and keeps the old state': {
    file: 'web/live/deployment-store.ts',
    search: 'else row.value = info\n',
    replacement: 'else row.value = { ...row.peek(), revision: info.revision }\n',
    violates: ['I5'],
    firstTest: 'crash-points',
  },
  'a request that acts although its client has an answer already': {
    file: 'db/definitions/functions.sql',
    search: 'if clock_timestamp() > p_not_after then',
    replacement: 'if false then',
    violates: ['I2'],
    firstTest: 'crash-points',
  },
  'a refusal that does not hold against earlier requests with its key': {
    file: 'db/definitions/functions.sql',
    search: 'where r.key = p_key and r.refused_at >= p_arrived_at',
    replacement: 'where false',
    violates: ['I2'],
    firstTest: 'crash-points',
  },
}
