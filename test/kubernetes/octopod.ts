/** Starts a real server and a real runner with the Helm scripts on the test cluster, and sends requests to them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { valueAdded } from '../../domain/overrides.ts'
import type { FullInfoWithCheck } from '../../domain/schemas.ts'
import { createApiClient, overrides } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** Enough for a rollout or scale-down and the next check, also on a real cluster that pulls images. */
const timeoutMs = 120_000
export const baseDomain = 'staging.example.com'

export type Octopod = Awaited<ReturnType<typeof startOctopod>>

/** `environment`: the settings of an installation, e.g. NAMESPACE, DEFAULTS, HELM_BIN. */
export async function startOctopod(environment: Record<string, string>) {
  const cache = await mkdtemp(join(tmpdir(), 'octopod-scripts-'))
  const system: System = await startSystem({
    scripts: join(import.meta.dirname, '../../infra/control-scripts/helm'),
    env: {
      KUBECONFIG: process.env.KUBECONFIG ?? '',
      OCTOPOD_SCRIPTS_CACHE: cache,
      BASE_DOMAIN: baseDomain,
      // Each check starts several processes. Pending deployments are checked more often.
      CHECK_INTERVAL: '3',
      STATUS_UPDATE_TIMEOUT: '8',
      SCRIPT_QUERY_TIMEOUT: '60',
      ...environment,
    },
  })
  const client = createApiClient(system.url)
  return {
    ...client,
    system,
    /** Waits until the deployment has the status and no action runs. */
    waitForStatus: (name: string, status: string): Promise<FullInfoWithCheck> =>
      waitFor(
        `${name} is ${status}`,
        async () => compareStatus(await client.fullInfo(name), status),
        timeoutMs,
      ),
    waitUntilDeleted: (name: string) =>
      waitFor(
        `${name} is gone`,
        async () => {
          const { status, text } = await client.api('GET', `/deployments/${name}/full_info`)
          return { done: status === 404, value: null, seen: text }
        },
        timeoutMs,
      ),
    /** The output of all actions of the deployment, newest first. */
    readOutput: async (name: string): Promise<string> => {
      const actions = await client.actions(name)
      const logs = await Promise.all(actions.map(({ action_id }) => client.api('GET', `/log/${action_id}`)))
      return logs.map(({ text }) => text).join('\n')
    },
    create: (name: string, app: Record<string, string>, deployment: Record<string, string> = {}) =>
      client.api('POST', '/deployments', {
        name,
        app_overrides: overrides(app),
        deployment_overrides: Object.entries(deployment).map(([key, value]) => valueAdded(key, value)),
      }),
    stop: async () => {
      await system.stop()
      await rm(cache, { recursive: true, force: true })
    },
  }
}

function compareStatus(info: FullInfoWithCheck, status: string) {
  const recorded = info.status?.recorded_status as { tag: string; contents?: string } | undefined
  const now = `${recorded?.contents ?? recorded?.tag}${info.status?.tag === 'DeploymentPending' ? ' (pending)' : ''}`
  return { done: now === status, value: info, seen: { now, check: info.last_check } }
}
