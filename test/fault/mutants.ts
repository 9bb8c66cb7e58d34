/** What the mutation run takes out of the product, one at a time, and which invariants must then be found violated. */
import type { Invariant } from './checker/history.ts'

export type Mutant = {
  file: string
  /** Must be found exactly once in the file. */
  from: string | RegExp
  to: string
  breaks: readonly Invariant[]
  /** Which half of the short form is asked first. */
  by: 'steps' | 'plan'
}

export const mutants: Record<string, Mutant> = {
  'no unique index: two active actions of one deployment': {
    file: 'db/migrations/0002_octopod-2.sql',
    from: /create unique index actions_one_active[^;]*;/,
    to: '',
    breaks: ['I1'],
    by: 'steps',
  },
  'no guard of the epoch on actions': {
    file: 'db/migrations/0002_octopod-2.sql',
    from: /create trigger guard_action[^;]*;/,
    to: '',
    breaks: ['I4'],
    by: 'steps',
  },
  'no guard of the epoch on output': {
    file: 'db/migrations/0002_octopod-2.sql',
    from: /create trigger guard_output[^;]*;/,
    to: '',
    breaks: ['I4'],
    by: 'steps',
  },
  'a start that does not ask for the epoch': {
    file: 'db/migrations/0007_hand.sql',
    from: /hand = p_epoch\n.* and state = 'queued' and .*/,
    to: 'hand = lease_epoch where id = p_id',
    breaks: ['I1', 'I3', 'I4'],
    by: 'steps',
  },
  'an end that does not ask for the epoch': {
    file: 'db/migrations/0007_hand.sql',
    from: /hand = p_epoch\n {2}where id = p_id and lease_epoch = p_epoch and state in/,
    to: 'hand = lease_epoch where id = p_id and state in',
    breaks: ['I4'],
    by: 'steps',
  },
  'a renewal that does not ask for the epoch': {
    file: 'db/transition.ts',
    from: /hand = \$\{epoch\}\n +where id = \$\{actionId\} and lease_epoch = \$\{epoch\} (?=.*\n +returning)/,
    to: `hand = lease_epoch where id = \${actionId} `,
    breaks: ['I4'],
    by: 'steps',
  },
  'a cleanup that does not ask for the epoch': {
    file: 'db/transition.ts',
    from: /hand = \$\{epoch\}\n +where id = \$\{actionId\} and lease_epoch = \$\{epoch\} (?=.*\n +if \(ended)/,
    to: `hand = lease_epoch where id = \${actionId} `,
    breaks: ['I4'],
    by: 'steps',
  },
  'no sweeper of lost actions': {
    file: 'runner/sweep.ts',
    from: '    await endLost(workshop, start)\n',
    to: '',
    breaks: ['I2'],
    by: 'plan',
  },
  'no look for actions whose bell was lost': {
    file: 'runner/sweep.ts',
    from: 'await findWaiting(db, bellMs, free())',
    to: '[] as number[]',
    breaks: ['I2'],
    by: 'plan',
  },
  'no supervisor: nobody ends the scripts of a runner that cannot': {
    file: 'runner/supervise.ts',
    from: '  begin()\n\n  return {',
    to: '  return {',
    breaks: ['I1', 'I6'],
    by: 'steps',
  },
  'a supervisor without deadlines: only a runner that is gone is noticed': {
    file: 'runner/supervise.sh',
    from: '[ "$until" -gt 0 ] && [ "$until" -lt "$now" ] || continue',
    to: 'continue',
    breaks: ['I1', 'I6'],
    by: 'steps',
  },
  'a script that may live as long as its lease, and is only then asked to end': {
    file: 'runner/lease.ts',
    from: 'lastMomentMs: leaseMs - graceMs - marginMs',
    to: 'lastMomentMs: leaseMs',
    breaks: ['I1', 'I6'],
    by: 'steps',
  },
  'a script that is started before its start is on record': {
    file: 'runner/perform.ts',
    from: /const change = await startUnlessCancelled\(workshop, held, lease, prepared.links\)\n.*announce\(workshop, change\)/,
    to: 'const change = true\n    void startUnlessCancelled(workshop, held, lease, prepared.links).catch(() => {})',
    breaks: ['I3'],
    by: 'steps',
  },
  'signals that reach the script alone, not what it started': {
    file: 'runner/tree.ts',
    from: '  const group = send(-tree.pid, signal)\n',
    to: '  return send(tree.pid, signal)\n  const group = false\n',
    breaks: ['I1', 'I6'],
    by: 'steps',
  },
  'an idempotency key that is not kept': {
    file: 'db/begin.ts',
    from: /\$\{key\?\.key \?\? null\}, /,
    to: 'null, ',
    breaks: ['I2', 'I3'],
    by: 'plan',
  },
  'no detection of lost events': {
    file: 'functions/losses.ts',
    from: 'if (arrived < before)',
    to: 'if (arrived < 0)',
    breaks: ['I5'],
    by: 'plan',
  },
  'a page that takes every event for the newest': {
    file: 'web/store.ts',
    from: 'if (deployment.revision <= entry.signal.peek().revision) return false',
    to: '',
    breaks: ['I5'],
    by: 'steps',
  },
  'a page that counts revisions, and keeps what it showed': {
    file: 'web/store.ts',
    from: 'entry.signal.value = deployment\n',
    to: 'entry.signal.value = { ...entry.signal.peek(), revision: deployment.revision }\n',
    breaks: ['I5'],
    by: 'steps',
  },
}
