/** Control scripts called as a runner calls them, on the cluster under test, without an Octopod around them. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type EffectiveConfig, lifecycleArguments, type ScriptName } from '../../domain/script.ts'
import { waitFor } from '../helpers/wait-for.ts'

export type ScriptResult = { code: number; stdout: string; stderr: string }
type Config = Record<string, string>

export const baseDomain = 'staging.example.com'
/** The chart with every kind of workload. */
export const workloadKindsChart: Config = {
  chart_repo_url: pathToFileURL(import.meta.dirname).href,
  chart_name: 'kinds-chart',
}

/** `deployment` is what every call has; `environment` what the DevOps engineer would set. */
export function createScriptRunner(
  set: 'helm' | 'kubectl',
  namespace: string,
  { deployment = {}, environment = {} }: { deployment?: Config; environment?: Config } = {},
) {
  const cache = mkdtempSync(join(tmpdir(), 'octopod-scripts-'))
  const folder = join(import.meta.dirname, '../../infra/control-scripts', set)
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    KUBECONFIG: process.env.KUBECONFIG ?? '',
    HOME: cache,
    OCTOPOD_SCRIPTS_CACHE: join(cache, 'kept'),
    ...environment,
  }
  const run = (
    script: ScriptName,
    name: string,
    application: Config = {},
    extraDeploymentConfig: Config = {},
  ): Promise<ScriptResult> => {
    const config: EffectiveConfig = {
      application: Object.entries(application),
      deployment: Object.entries({ ...deployment, ...extraDeploymentConfig }),
    }
    const args = lifecycleArguments({ projectName: 'Tests', baseDomain, namespace }, name, config)
    return new Promise((resolve) => {
      execFile(join(folder, script), args, { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      )
    })
  }
  return {
    run,
    env,
    folder,
    cache: env.OCTOPOD_SCRIPTS_CACHE,
    /** Waits until the script ends with `code`. */
    runUntilExitCode: (
      code: number,
      script: ScriptName,
      name: string,
      application: Config = {},
      extraDeploymentConfig: Config = {},
    ) =>
      waitFor(
        `${script} of ${name} says ${code}`,
        async () => {
          const said = await run(script, name, application, extraDeploymentConfig)
          return { done: said.code === code, value: said, seen: JSON.stringify(said) }
        },
        60_000,
      ),
    removeCache: () => rmSync(cache, { recursive: true, force: true }),
  }
}
