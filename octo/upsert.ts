/** The second half of `octo create --or-update`: the deployment is there, maybe archived. Loaded by commands/create.ts. */
import { accompany } from './accompany.ts'
import type { Begun, Tools } from './change.ts'
import { Failure } from './failure.ts'
import type { Levels } from './overrides-file.ts'
import { revise } from './revise.ts'
import { statusOf } from './verdict.ts'

const unsent = 'The update was not sent.'

/** Keys of one command are told apart by what they are for: each request of a repeated command is the same again. */
export async function updateExisting(tools: Tools, name: string, overrides: Levels): Promise<Begun> {
  const { octopod, extra, progress, leaving } = tools
  const keyed = (what: string) =>
    extra.key === undefined ? extra : { ...extra, key: `${extra.key}/${what}` }
  const params = { name }
  const info = await octopod.call('getFullInfo', { params })
  if (statusOf(info) === 'Archived') {
    progress.note(`Deployment ${name} is archived: it is restored, then updated.`)
    const { actionId } = await octopod.ask('restoreDeployment', { params }, keyed('restore'))
    leaving.owe(unsent)
    const { failure } = await accompany(octopod, { name, aim: 'Running', actionId }, tools)
    if (failure instanceof Failure)
      throw new Failure(failure.kind, `${failure.message} ${unsent}`, failure.remedy, failure)
    if (failure !== null) throw failure
  }
  const app = { set: overrides.app, unset: [] }
  const deployment = { set: overrides.deployment, unset: [] }
  return { kind: 'update', name, actionId: await revise(octopod, name, { app, deployment }, keyed('update')) }
}
