/**
 * The recipes of docs/ci.md as programs: read from the page, with what their CI system brings: variables, files, the
 * programs beside octo. Used by ci.test.ts.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { read } from '../law/repository.ts'

export type Variables = Record<string, string>
export type Ran = { code: number; output: string }

/** The only code block of that language below a heading of the second level. */
export function recipe(heading: string, language: string): string {
  const section =
    read('docs/ci.md')
      .split(/^## /m)
      .find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, kind]) => kind === language)
  if (blocks.length !== 1) throw new Error(`${heading}: ${blocks.length} blocks of ${language}`)
  return blocks[0]?.[2] ?? ''
}

/** Runs a script as the CI systems do; both outputs in one. */
export function runScript(shell: string[], script: string, env: Variables, cwd: string): Promise<Ran> {
  const [program = 'sh', ...args] = shell
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
  child.stdin.end(script)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 255, output })))
}

/** `$NAME` and `${NAME}`, as GitLab puts them in. */
export const expand = (text: string, variables: Variables): string =>
  text.replace(/\$\{?([A-Z_]+)\}?/g, (_, name) => variables[name] ?? '')

type Step = { id?: string; env?: Variables; run: string }
type Job = { if?: string; env?: Variables; steps: Step[] }
export type Workflow = { env: Variables; jobs: Record<string, Job> }

/** The jobs of a workflow whose `if` holds, one after the other; `context`: what stands between `${{` and `}}`. */
export async function runWorkflow(
  workflow: Workflow,
  context: Variables,
  machine: Variables,
  folder: string,
): Promise<Ran[]> {
  const ran: Ran[] = []
  for (const job of Object.values(workflow.jobs).filter((one) => holds(one.if, context))) {
    const place = await mkdtemp(join(folder, 'job-'))
    const outputs = { ...context }
    for (const { id = '', env, run } of job.steps) {
      const [added, told] = [join(place, 'path'), join(place, `output-${id}`)]
      const resolved = resolve({ ...workflow.env, ...job.env, ...env }, outputs)
      const path = [...(await lines(added)), machine.PATH].join(':')
      const files = { RUNNER_TEMP: join(place, 'temp'), GITHUB_PATH: added, GITHUB_OUTPUT: told }
      await mkdir(files.RUNNER_TEMP, { recursive: true })
      const script = join(place, 'step.sh')
      await writeFile(script, run)
      ran.push(
        await runScript(['bash', '-e', script], '', { ...machine, ...resolved, ...files, PATH: path }, place),
      )
      for (const line of await lines(told)) {
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

function holds(condition: string | undefined, context: Variables): boolean {
  if (condition === undefined) return true
  const [, name = '', operator, wanted] = /^([\w.]+) (==|!=) '(\w+)'$/.exec(condition) ?? []
  if (operator === undefined) throw new Error(`not understood: ${condition}`)
  return (context[name] === wanted) === (operator === '==')
}

function resolve(env: Variables, context: Variables): Variables {
  const value = (text: string) =>
    String(text).replace(/\$\{\{ ([\w.]+) \}\}/g, (_, name) => {
      if (context[name] === undefined) throw new Error(`${name} is not known`)
      return context[name]
    })
  return Object.fromEntries(Object.entries(env).map(([name, text]) => [name, value(text)]))
}
