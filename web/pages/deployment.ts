/** The screen of one deployment: how it stands and why, its config, its actions. What it knows: following.ts. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Override } from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/shapes.ts'
import { followDefaults } from '../defaults.ts'
import { type Following, follow } from '../following.ts'
import { Icon } from '../parts/icon.ts'
import { Missing, Stale } from '../parts/trouble.ts'
import { activeAction } from '../words.ts'
import { useWorld } from '../world.ts'
import { ActionList } from './action-list.ts'
import { ConfigTable } from './config-table.ts'
import { Head } from './head.ts'
import { Nowhere } from './nowhere.ts'
import { RunningAction } from './running-action.ts'

export function DeploymentPage({ name }: { name: string }): VNode {
  const world = useWorld()
  const following = useMemo(() => follow(world, name), [])
  useEffect(() => following.close, [])
  useEffect(() => {
    document.title = `${name} · Octopod`
  }, [])
  const info = following.info.value
  const problem = following.problem.value

  if (info === null && problem?.code === 'no_such_deployment') {
    const was = following.actions.value !== null
    return html`<${Nowhere}
      title=${was ? `${name} is gone` : `There is no deployment ${name}`}
      text=${was ? 'It has been cleaned up or deleted.' : 'It may have another name, or have been deleted.'}
    />`
  }
  return html`<main class="deployment">
    <a class="back" href="/"><${Icon} name="back" />All deployments</a>
    ${
      info === null
        ? problem === null
          ? html`<div class="loading" role="status"><span class="hidden">Loading</span><div class="ghost tall"></div></div>`
          : html`<h1 class="hidden">${name}</h1>
              <${Missing} title=${`${name} could not be loaded`} problem=${problem} again=${following.again} />`
        : html`<${Head} info=${info} lastCheck=${following.lastCheck.value} />
            <${Stale} problem=${problem} />
            <${Now} following=${following} info=${info} />
            <${Configs} following=${following} />
            <${ActionList} following=${following} />`
    }
  </main>`
}

/** What runs; for admins also what has just ended, so that its output does not go away under their eyes. */
function Now({ following, info }: { following: Following; info: FullInfo }): VNode | null {
  const { session } = useWorld()
  const watched = useSignal(0)
  const last = info.last_action
  const active = activeAction(info)
  useSignalEffect(() => {
    const now = following.info.value
    const running = now && activeAction(now)
    if (running) watched.value = running.action_id
  })
  if (last === null) return null
  if (active === null && !(session.isAdmin() && watched.value === last.action_id)) return null
  const putAway = () => {
    watched.value = 0
  }
  const { name } = info.deployment
  return html`<${RunningAction} key=${last.action_id} action=${last} name=${name} putAway=${putAway} />`
}

function Configs({ following }: { following: Following }): VNode {
  const { client } = useWorld()
  const { info } = following
  const deployment = useComputed(() => (info.value?.deployment.deployment_overrides ?? []) as Override[])
  const application = useComputed(() => (info.value?.deployment.app_overrides ?? []) as Override[])
  const defaults = useMemo(() => followDefaults(client, deployment), [])
  useEffect(() => defaults.close, [])
  return html`<div class="configs">
    <${ConfigTable} title="Application config" overrides=${application} defaults=${defaults.application} again=${defaults.again} />
    <${ConfigTable} title="Deployment config" overrides=${deployment} defaults=${defaults.deployment} again=${defaults.again} />
  </div>`
}
