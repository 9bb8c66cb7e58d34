/** The life of a deployment through all that servers and runners keep in PostgreSQL and Redis. */
import assert from 'node:assert/strict'
import { ProgramStartError } from '../../../lib/node/start-program.ts'
import { createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type Program, type System, startOctopodProgram } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'

/** Also asserts that no program has logged an error, and none that a store is away. */
export async function runWholeFlow(system: System): Promise<void> {
  const octopod = createApiClient(system.url)
  await waitFor('the server is ready', async () => {
    const { body } = await octopod.call('GET', '/readyz')
    return { done: (body as { status?: string }).status === 'ready', value: null, seen: body }
  })
  const client = await connectWebSocket(system.url)
  assert.equal((await octopod.create('shop', { 'behave.config_check': 'print fine' })).status, 200)
  await octopod.waitForStatus('shop', 'Running')
  await client.until('events arrive', (messages) => messages.some(({ type }) => type === 'event'))
  client.close()
  assert.equal((await octopod.api('GET', '/deployment_overrides')).status, 200)
  const refused = await octopod.create('refused', { 'behave.config_check': 'reject no such tag' })
  assert.equal(refused.status, 400, 'config_check ran before the answer')

  const update = getActionId(await octopod.update('shop', { 'behave.update': 'hang' }))
  await waitFor('the script runs', async () => {
    const { state } = (await octopod.api('GET', `/actions/${update}`)).body as { state: string }
    return { done: state === 'running', value: null, seen: state }
  })
  assert.equal((await octopod.api('POST', `/actions/${update}/cancel`)).status, 200)
  assert.equal((await octopod.waitForActionEnd(update)).state, 'cancelled')
  const again = getActionId(await octopod.update('shop'))
  assert.equal((await octopod.waitForActionEnd(again)).state, 'succeeded')
  assert.match((await octopod.api('GET', `/log/${again}`)).text, /update of shop done/)
  await octopod.waitForStatus('shop', 'Running')
  const archived = await octopod.archive('shop')
  assert.equal(archived.status, 200, archived.text)
  await octopod.waitForStatus('shop', 'Archived')
  const cleaned = await octopod.cleanup('shop')
  assert.equal(cleaned.status, 200, cleaned.text)
  await octopod.waitUntilDeleted('shop')
  assert.deepEqual(complaints(system.server), [])
  assert.deepEqual(complaints(system.runner), [])
}

/** Warnings, errors and lines that are no log entries. */
export const complaints = ({ lines }: Program): string[] =>
  lines.filter((line) => !line.startsWith('{') || JSON.parse(line).level >= 40)

const programs = {
  server: ['functions/server.ts', 'server ready'],
  runner: ['runner/main.ts', 'runner ready'],
} as const

/** The last lines of a program that does not start. */
export async function failToStart(
  name: keyof typeof programs,
  environment: Record<string, string>,
): Promise<string> {
  const [file, readyMessage] = programs[name]
  const error = await startOctopodProgram(file, environment, readyMessage).then(
    async (program) => {
      await program.stop()
      return new Error(`the ${name} has started`)
    },
    (reason) => reason,
  )
  assert.ok(error instanceof ProgramStartError, String(error))
  assert.match(error.failure, /ended with code 1/)
  return error.program.lastLines().join('\n')
}
