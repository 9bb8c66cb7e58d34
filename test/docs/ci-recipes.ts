/**
 * Reads the recipes of docs/ci.md and runs them like their CI system does, with its variables and files. Used by
 * ci.test.ts.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { read } from '../architecture/repository.ts'

export type Variables = Record<string, string>
export type StepResult = { code: number; output: string }

/** The only code block of the language below a second-level heading. */
export function readRecipe(heading: string, language: string): string {
  const section =
    read('docs/ci.md')
      .split(/^## /m)
      .find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, kind]) => kind === language)
  if (blocks.length !== 1) throw new Error(`${heading}: ${blocks.length} blocks of ${language}`)
  return blocks[0]?.[2] ?? ''
}

/** Runs a script like a CI system does, with stdout and stderr combined. */
export function runScript(shell: string[], script: string, env: Variables, cwd: string): Promise<StepResult> {
  const [program = 'sh', ...args] = shell
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
  child.stdin.end(script)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 255, output })))
}

/** Replaces `$NAME` and `${NAME}` like GitLab does. */
export const expandVariables = (text: string, variables: Variables): string =>
  text.replace(/\$\{?([A-Z_]+)\}?/g, (_, name) => variables[name] ?? '')

type Step = { id?: string; env?: Variables; run: string }
type Job = { if?: string; env?: Variables; steps: Step[] }
export type Workflow = { env: Variables; jobs: Record<string, Job> }

/** Runs the jobs of a workflow whose `if` is true, one after the other. `context`: the values of `${{ … }}`. */
export async function runWorkflow(
  workflow: Workflow,
  context: Variables,
  baseVariables: Variables,
  folder: string,
): Promise<StepResult[]> {
  const ran: StepResult[] = []
  for (const job of Object.values(workflow.jobs).filter((job) => isConditionTrue(job.if, context))) {
    const jobFolder = await mkdtemp(join(folder, 'job-'))
    const outputs = { ...context }
    for (const { id = '', env, run } of job.steps) {
      const [added, outputFile] = [join(jobFolder, 'path'), join(jobFolder, `output-${id}`)]
      const resolved = resolveExpressions({ ...workflow.env, ...job.env, ...env }, outputs)
      const path = [...(await lines(added)), baseVariables.PATH].join(':')
      const files = { RUNNER_TEMP: join(jobFolder, 'temp'), GITHUB_PATH: added, GITHUB_OUTPUT: outputFile }
      await mkdir(files.RUNNER_TEMP, { recursive: true })
      const script = join(jobFolder, 'step.sh')
      await writeFile(script, run)
      ran.push(
        await runScript(
          ['bash', '-e', script],
          '',
          { ...baseVariables, ...resolved, ...files, PATH: path },
          jobFolder,
        ),
      )
      for (const line of await lines(outputFile)) {
        const [name = '', value = ''] = line.split(/=(.*)/s)
        outputs[`steps.${id}.outputs.${name}`] = value
      }
      if (ran.at(-1)?.code !== 0) return ran
    }
  }
  return ran
}

const lines = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(Boolean)

function isConditionTrue(condition: string | undefined, context: Variables): boolean {
  if (condition === undefined) return true
  const [, name = '', operator, expected] = /^([\w.]+) (==|!=) '(\w+)'$/.exec(condition) ?? []
  if (operator === undefined) throw new Error(`unsupported condition: ${condition}`)
  return (context[name] === expected) === (operator === '==')
}

function resolveExpressions(env: Variables, context: Variables): Variables {
  const value = (text: string) =>
    String(text).replace(/\$\{\{ ([\w.]+) \}\}/g, (_, name) => {
      if (context[name] === undefined) throw new Error(`${name} is unknown`)
      return context[name]
    })
  return Object.fromEntries(Object.entries(env).map(([name, text]) => [name, value(text)]))
}
