/**
 * Runs control scripts on the test cluster like a runner, but without Octopod. Used by the tests of the script sets.
 */
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
/** The deployment config of the chart with every kind of workload. */
export const workloadKindsChart: Config = {
  chart_repo_url: pathToFileURL(import.meta.dirname).href,
  chart_name: 'kinds-chart',
}

/** `deployment`: the deployment config of every call. `environment`: the settings of an installation. */
export function createScriptRunner(
  set: 'helm' | 'kubectl',
  namespace: string,
  { deployment = {}, environment = {} }: { deployment?: Config; environment?: Config } = {},
) {
  const project = { projectName: 'Tests', baseDomain, namespace }
  const cache = mkdtempSync(join(tmpdir(), 'octopod-scripts-'))
  const folder = join(import.meta.dirname, '../../infra/control-scripts', set)
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    KUBECONFIG: process.env.KUBECONFIG ?? '',
    HOME: cache,
    OCTOPOD_SCRIPTS_CACHE: join(cache, 'kept'),
    DEFAULTS: '{"allowed_chart_repos":["file:///"]}',
    ...environment,
  }
  const execute = (script: ScriptName, args: string[]): Promise<ScriptResult> =>
    new Promise((resolve) => {
      execFile(join(folder, script), args, { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      )
    })
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
    return execute(script, lifecycleArguments(project, name, config))
  }
  return {
    run,
    env,
    folder,
    cache: env.OCTOPOD_SCRIPTS_CACHE,
    /** Runs the script again and again until it exits with `code`. */
    runUntilExitCode: (
      code: number,
      script: ScriptName,
      name: string,
      application: Config = {},
      extraDeploymentConfig: Config = {},
    ) =>
      waitFor(
        `${script} of ${name} exits with ${code}`,
        async () => {
          const result = await run(script, name, application, extraDeploymentConfig)
          return { done: result.code === code, value: result, seen: JSON.stringify(result) }
        },
        60_000,
      ),
    removeCache: () => rmSync(cache, { recursive: true, force: true }),
  }
}
