/** The screen of one deployment: how it stands and why, its config, its actions. What it knows: following.ts. */
import { useComputed } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Override } from '../../domain/overrides.ts'
import { followDefaults } from '../defaults.ts'
import { type Following, follow } from '../following.ts'
import { Icon } from '../parts/icon.ts'
import { ProblemBox } from '../parts/problem.ts'
import { activeAction } from '../words.ts'
import { useWorld } from '../world.ts'
import { ActionList } from './action-list.ts'
import { ConfigTable } from './config-table.ts'
import { Head } from './head.ts'
import { Nowhere } from './nowhere.ts'
import { RunningAction } from './running-action.ts'

export function DeploymentPage({ name }: { name: string }): VNode {
  const world = useWorld()
  const [following] = useState(() => follow(world, name))
  useEffect(() => following.close, [])
  useEffect(() => {
    document.title = `${name} · Octopod`
  }, [])
  const info = following.info.value
  const problem = following.problem.value

  if (info === null && problem?.code === 'no_such_deployment') {
    const title = following.actions.value === null ? `There is no deployment ${name}` : `${name} is gone`
    const text =
      following.actions.value === null
        ? 'It may have another name, or have been deleted.'
        : 'It has been deleted.'
    return html`<${Nowhere} title=${title} text=${text} />`
  }
  const active = info && activeAction(info)
  return html`<main class="deployment">
    <a class="back" href="/"><${Icon} name="back" />All deployments</a>
    ${
      info === null
        ? problem === null
          ? html`<div class="loading" role="status"><span class="hidden">Loading</span><div class="ghost tall"></div></div>`
          : html`<${ProblemBox} title=${`${name} could not be loaded`} problem=${problem} again=${following.again} />`
        : html`<${Head} info=${info} lastCheck=${following.lastCheck.value} />
            ${active && html`<${RunningAction} key=${active.action_id} action=${active} name=${name} />`}
            <${Configs} following=${following} />
            <${ActionList} following=${following} />`
    }
  </main>`
}

function Configs({ following }: { following: Following }): VNode {
  const { client } = useWorld()
  const { info } = following
  const deployment = useComputed(() => (info.value?.deployment.deployment_overrides ?? []) as Override[])
  const application = useComputed(() => (info.value?.deployment.app_overrides ?? []) as Override[])
  const [defaults] = useState(() => followDefaults(client, deployment))
  useEffect(() => defaults.close, [])
  return html`<div class="configs">
    <${ConfigTable} title="Application config" overrides=${application} defaults=${defaults.application} again=${defaults.again} />
    <${ConfigTable} title="Deployment config" overrides=${deployment} defaults=${defaults.deployment} again=${defaults.again} />
  </div>`
}
