/** The screen of one deployment: how it stands and why, its config, its actions. What it knows: deployment-resource.ts. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Override } from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { ActionList } from '../activity/action-list.ts'
import { RunningAction } from '../activity/running-action.ts'
import { useApp } from '../app-context.ts'
import { createDefaultsResource } from '../config/config-defaults.ts'
import { ConfigTable } from '../config/config-table.ts'
import { activeAction } from '../format.ts'
import { NotFound } from '../not-found.ts'
import { ErrorState, StaleDataWarning } from '../ui/error-state.ts'
import { Icon } from '../ui/icon.ts'
import { DeploymentHeader } from './deployment-header.ts'
import { createDeploymentResource, type DeploymentResource } from './deployment-resource.ts'

export function DeploymentPage({ name }: { name: string }): VNode {
  const app = useApp()
  const resource = useMemo(() => createDeploymentResource(app, name), [])
  useEffect(() => resource.close, [])
  useEffect(() => {
    document.title = `${name} · Octopod`
  }, [])
  const info = resource.info.value
  const problem = resource.problem.value

  if (info === null && problem?.code === 'no_such_deployment') {
    const existedBefore = resource.actions.value !== null
    return html`<${NotFound}
      title=${existedBefore ? `${name} is gone` : `There is no deployment ${name}`}
      text=${existedBefore ? 'It has been cleaned up or deleted.' : 'It may have another name, or have been deleted.'}
    />`
  }
  return html`<main class="deployment">
    <a class="back" href="/"><${Icon} name="back" />All deployments</a>
    ${
      info === null
        ? problem === null
          ? html`<div class="loading" role="status"><span class="hidden">Loading</span><div class="ghost tall"></div></div>`
          : html`<h1 class="hidden">${name}</h1>
              <${ErrorState} title=${`${name} could not be loaded`} problem=${problem} again=${resource.reload} />`
        : html`<${DeploymentHeader} info=${info} lastCheck=${resource.lastCheck.value} />
            <${StaleDataWarning} problem=${problem} />
            <${CurrentAction} following=${resource} info=${info} />
            <${Configs} following=${resource} />
            <${ActionList} following=${resource} />`
    }
  </main>`
}

/** What runs; for admins also what has just ended, so that its output does not go away under their eyes. */
function CurrentAction({ following, info }: { following: DeploymentResource; info: FullInfo }): VNode | null {
  const { session } = useApp()
  const watchedActionId = useSignal(0)
  const last = info.last_action
  const active = activeAction(info)
  useSignalEffect(() => {
    const now = following.info.value
    const running = now && activeAction(now)
    if (running) watchedActionId.value = running.action_id
  })
  if (last === null) return null
  if (active === null && !(session.isAdmin() && watchedActionId.value === last.action_id)) return null
  const dismiss = () => {
    watchedActionId.value = 0
  }
  const { name } = info.deployment
  return html`<${RunningAction} key=${last.action_id} action=${last} name=${name} putAway=${dismiss} />`
}

function Configs({ following }: { following: DeploymentResource }): VNode {
  const { client } = useApp()
  const { info } = following
  const deployment = useComputed(() => (info.value?.deployment.deployment_overrides ?? []) as Override[])
  const application = useComputed(() => (info.value?.deployment.app_overrides ?? []) as Override[])
  const defaults = useMemo(() => createDefaultsResource(client, deployment), [])
  useEffect(() => defaults.close, [])
  return html`<div class="configs">
    <${ConfigTable} title="Application config" overrides=${application} defaults=${defaults.application} again=${defaults.reload} />
    <${ConfigTable} title="Deployment config" overrides=${deployment} defaults=${defaults.deployment} again=${defaults.reload} />
  </div>`
}
