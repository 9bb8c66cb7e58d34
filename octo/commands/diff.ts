/** `octo diff`: overrides against defaults, two deployments, or two actions. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { Override, Pair } from '../../domain/overrides.ts'
import type { Octopod } from '../client.ts'
import { actionDescription, checkedId, checkedName } from '../command.ts'
import { type Difference, differences } from '../differences.ts'
import { type Both, configOf } from '../effective.ts'
import { Failure } from '../failure.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'
import { colourful, type Screen } from '../progress.ts'
import { oneLine } from '../text.ts'

type Sides = { one: Both<Pair[]>; other: Both<Pair[]> }

export class Diff extends OnlineCommand {
  static override paths = [['diff']]
  static override usage = OnlineCommand.Usage({
    description: 'compare config: with the defaults, of two deployments, of two actions',
    details: `
      One -n: what the overrides of a deployment make of the defaults. Two -n: the config two deployments run with. Two
      -a: the overrides two actions were begun with. Ends with 0 whether or not there is a difference; with
      --exit-code with 1 when there is.
    `,
    examples: [
      ['What is different from the defaults', '$0 diff -n feature-1'],
      ['Two deployments', '$0 diff -n feature-1 -n feature-2'],
      ['What changed between two actions', '$0 diff -a 41 -a 42'],
    ],
  })

  names = Option.Array('-n,--name', [], { description: 'name of a deployment, once or twice' })
  actions = Option.Array('-a,--action', [], { description: `${actionDescription}, twice` })
  exitCode = Option.Boolean('--exit-code', false, { description: 'end with 1 when there is a difference' })

  protected async act(): Promise<number> {
    const read = this.reader()
    const { one, other } = await read(await this.octopod())
    const found = [
      ...differences('deployment', one.deployment, other.deployment),
      ...differences('app', one.application, other.application),
    ]
    const colours = colourful(this.context.stdout as unknown as Screen, this.context.env)
    if (this.format !== null) await this.tell(found, look, this.format)
    else this.print(linesOf(found, colours))
    return this.exitCode && found.length > 0 ? 1 : 0
  }

  private reader(): (octopod: Octopod) => Promise<Sides> {
    const names = this.names.map(checkedName)
    const ids = this.actions.map((id) => checkedId('-a', id))
    const [first, second] = names
    if (first !== undefined && names.length <= 2 && ids.length === 0) {
      return async (octopod) => {
        const here = await deploymentOf(octopod, first)
        if (second === undefined) return { one: here.defaults, other: here.effective }
        return { one: here.effective, other: (await deploymentOf(octopod, second)).effective }
      }
    }
    if (names.length > 0 || ids.length !== 2) {
      throw new Failure('usage', 'diff needs -n NAME once or twice, or -a ID twice.')
    }
    return async (octopod) => {
      const [one, other] = await Promise.all(ids.map((id) => overridesOf(octopod, id)))
      if (one === undefined || other === undefined) throw new TypeError('two actions were asked for')
      return { one, other }
    }
  }
}

async function deploymentOf(octopod: Octopod, name: string) {
  const { deployment } = await octopod.call('getFullInfo', { params: { name } })
  return configOf(octopod, deployment)
}

async function overridesOf(octopod: Octopod, action_id: number): Promise<Both<Pair[]>> {
  const action = await octopod.call('getAction', { params: { action_id } })
  const pairs = (overrides: Override[]): Pair[] =>
    overrides.map(([key, value]) => [key, value.tag === 'ValueAdded' ? value.contents : '<<REMOVED>>'])
  return { deployment: pairs(action.deployment_overrides), application: pairs(action.app_overrides) }
}

function linesOf(found: readonly Difference[], colours: boolean): string {
  const [red, green, plain] = colours ? ['\u001b[31m', '\u001b[32m', '\u001b[0m'] : ['', '', '']
  const side = (mark: string, colour: string, { level, key }: Difference, value: string | null) =>
    value === null ? '' : `${colour}${mark} ${level} ${key}=${oneLine(value)}${plain}\n`
  return found.map((one) => side('-', red, one, one.from) + side('+', green, one, one.to)).join('')
}

const look: Look<Difference> = {
  name: ({ key }) => key,
  columns: {
    LEVEL: ({ level }) => level,
    KEY: ({ key }) => key,
    FROM: ({ from }) => from ?? '',
    TO: ({ to }) => to ?? '',
  },
}
