import { getTarget } from '../../db/deployments.ts'
import { Refusal } from '../../domain/errors.ts'
import { askScripts } from '../ask.ts'
import type { Answerer } from '../route.ts'

export const getStatus: Answerer<'getStatus'> = async (services, { param, asking }) => {
  const { name, appOverrides, deploymentOverrides } = await getTarget(services.db, param('name'))
  const target = { name, appOverrides, deploymentOverrides }
  const answer = await asking(() => askScripts(services, { ask: 'status', target }))
  if (answer === 'away')
    throw new Refusal('stores_away', 'Redis is not reachable: the check script cannot be asked.')
  if (answer.is === 'failed') throw new Refusal('script_failed', answer.words)
  return { status: answer.is === 'ok' ? 'Ok' : 'Error' }
}
