/**
 * The cluster of runbook.test.ts: programs named kubectl and helm that tell this process what to do. It understands the
 * commands of docs/runbook.md only, and fails at every other one.
 */
import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { octoCommand } from '../octo/fake-server.ts'

/** What the test does for a command. */
export type ClusterActions = {
  stop(): Promise<void>
  /** Starts a server and a runner. */
  start(): Promise<void>
  /** Of the Secret octopod-stores. */
  setDatabaseUrl(url: string): void
  /** `helm install` in the new cluster. */
  install(): Promise<void>
  upgrade(): Promise<void>
  rollback(): Promise<void>
  releases(): string[]
}

/** `folder`: for PATH. */
export async function startCluster(folder: string, actions: ClusterActions) {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const answer = await run(text.split('\n').slice(0, -1), actions).catch((error: Error) => error)
    response.statusCode = answer instanceof Error ? 500 : 200
    response.end(answer instanceof Error ? `${answer.message}\n` : answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await mkdir(folder, { recursive: true })
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), `#!/bin/bash\n${text}\n`)
    await chmod(join(folder, name), 0o755)
  }
  for (const program of ['kubectl', 'helm'])
    await write(
      program,
      `printf '%s\\n' ${program} "$@" | curl --noproxy '*' --silent --show-error --fail-with-body --data-binary @- ${url}`,
    )
  await write('octo', `exec ${octoCommand.map((word) => `'${word}'`).join(' ')} "$@"`)
  return { close: () => server.close() }
}

const deployments = 'deployment octopod-server octopod-runner'

async function run(words: readonly string[], actions: ClusterActions): Promise<string> {
  const command = words
    .join(' ')
    .replace(
      / --(namespace octopod|context old|kube-context new|wait|timeout=\w+|values values\.yaml)\b/g,
      '',
    )
  if (command === `kubectl scale ${deployments} --replicas=0`) await actions.stop()
  else if (command === `kubectl scale ${deployments} --replicas=2`) await actions.start()
  else if (command.startsWith('kubectl patch secret octopod-stores --patch ')) {
    const patch = JSON.parse(words.at(-1) ?? '')
    assert.deepEqual(Object.keys(patch.stringData), ['DATABASE_URL'])
    actions.setDatabaseUrl(patch.stringData.DATABASE_URL)
  } else if (command === 'helm install octopod infra/chart') await actions.install()
  else if (command === 'helm upgrade octopod infra/chart') await actions.upgrade()
  else if (command === 'helm rollback octopod') await actions.rollback()
  else if (command === 'helm --namespace staging list --short') return `${actions.releases().join('\n')}\n`
  // Both have ended when the command before has.
  else
    assert.match(
      command,
      /^kubectl wait pod --for=delete --selector app\.kubernetes\.io\/component in \(server, runner\)$|^kubectl rollout status deployment octopod-(server|runner)$/,
    )
  return ''
}
