/** Deployments with the longest texts and all statuses, for tests of the layout of the page. */
import { type Override, valueAdded as setTo } from '../../../domain/overrides.ts'
import type { ActionSummary, FullInfo } from '../../../domain/schemas.ts'
import { statuses } from '../../../domain/statuses.ts'
import { sampleDeployment } from './sample-deployment.ts'

const longApp = {
  'image.tag': 'release-2026-11-30-abcdef0123456789',
  'feature.checkout.payment-provider.timeout': 'https://payments.example/very/long/path?with=query',
  replicas: '4',
  'a.key.without.any.break_and_many_characters_in_its_last_part': 'x',
}
const deploymentOverrides: Override[] = [
  setTo('region', 'eu-central-1'),
  ['database.backup', { tag: 'ValueDeleted' }] as unknown as Override,
  setTo('database.size', 'small'),
]
const links = [
  { name: 'Shop', link: 'https://shop.example' },
  { name: 'Administration of the whole shop', link: 'https://admin.example' },
  { name: 'grafana-dashboard-of-the-deployment-without-a-break', link: 'https://grafana.example' },
]
const labels = { team: 'checkout-and-payments', 'acme.example/cost-centre': '4711', env: 'qa' }
const endings: (Partial<ActionSummary> & { expected_duration_ms?: number })[] = [
  {},
  { action: 'UpdateAction', state: 'failed', exit_code: 137, error: 'The update script failed.' },
  {
    action: 'UpdateAction',
    state: 'running',
    exit_code: null,
    finished_at: null,
    expected_duration_ms: 754_000,
  },
  { action: 'CleanupAction', state: 'queued', exit_code: null, started_at: null, finished_at: null },
  { action: 'RestoreAction', state: 'timed_out', exit_code: null, signal: 'SIGKILL' },
]

/** Every status with every kind of last action, newest first. */
export function extremeDeployments(): FullInfo[] {
  return statuses.flatMap((status, index) =>
    endings.map((action, ending) => {
      const at = String(index * endings.length + ending).padStart(2, '0')
      const { expected_duration_ms, ...summary } = action
      const info = sampleDeployment({
        name: `wide-name-here${at}`,
        status,
        action: summary,
        app: ending % 2 === 0 ? longApp : {},
        changed: `2026-01-02T10:${String(59 - Number(at)).padStart(2, '0')}:00.000000Z`,
      })
      return {
        ...info,
        last_action: info.last_action && {
          ...info.last_action,
          ...(expected_duration_ms && { expected_duration_ms }),
        },
        deployment: { ...info.deployment, deployment_overrides: ending === 1 ? [] : deploymentOverrides },
        metadata: ending === 3 ? [] : links,
        ...(ending < 2 && { labels, title: 'A title that does not fit into one line of the list' }),
      }
    }),
  )
}
