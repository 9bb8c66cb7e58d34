/** The page of one deployment: status, config, actions. Its data comes from deployment-resource.ts. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { noOverrides, overridesFromWire } from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { ActionList } from '../activity/action-list.ts'
import { RunningAction } from '../activity/running-action.ts'
import { useApp } from '../app-context.ts'
import { createDefaultsResource } from '../config/config-defaults.ts'
import { ConfigTable } from '../config/config-table.ts'
import { NotFound } from '../not-found.ts'
import { ErrorState, StaleDataWarning } from '../ui/error-state.ts'
import { Icon } from '../ui/icon.ts'
import { DeploymentHeader } from './deployment-header.ts'
import { createDeploymentResource, type DeploymentResource } from './deployment-resource.ts'
import { activeAction } from './status-labels.ts'

export function DeploymentPage({ name }: { name: string }): VNode {
  const app = useApp()
  const resource = useMemo(() => createDeploymentResource(app, name), [])
  useEffect(() => resource.close, [])
  useEffect(() => {
    document.title = `${name} · Octopod`
  }, [])
  const info = resource.info.value
  const error = resource.error.value

  if (info === null && error?.code === 'no_such_deployment') {
    const existedBefore = resource.actions.value !== null
    return html`<${NotFound}
      title=${existedBefore ? `${name} was deleted` : `Deployment ${name} does not exist`}
      text=${existedBefore ? 'It was cleaned up or its record was deleted.' : 'It may have another name, or it was deleted.'}
    />`
  }
  return html`<main class="deployment">
    <a class="back-link" href="/"><${Icon} name="back" />All deployments</a>
    ${
      info === null
        ? error === null
          ? html`<div class="loading" role="status"><span class="visually-hidden">Loading</span><div class="skeleton skeleton-tall"></div></div>`
          : html`<h1 class="visually-hidden">${name}</h1>
              <${ErrorState} title=${`Could not load ${name}`} error=${error} onRetry=${resource.reload} />`
        : html`<${DeploymentHeader} info=${info} lastCheck=${resource.lastCheck.value} />
            <${StaleDataWarning} error=${error} />
            <${CurrentAction} resource=${resource} info=${info} />
            <${Configs} resource=${resource} />
            <${ActionList} resource=${resource} />`
    }
  </main>`
}

/**
 * Shows the active action. For admins it stays after its end, so that the output does not disappear while
 * they read it.
 */
function CurrentAction({ resource, info }: { resource: DeploymentResource; info: FullInfo }): VNode | null {
  const { session } = useApp()
  const watchedActionId = useSignal(0)
  const last = info.last_action
  const active = activeAction(info)
  useSignalEffect(() => {
    const now = resource.info.value
    const running = now && activeAction(now)
    if (running) watchedActionId.value = running.action_id
  })
  if (last === null) return null
  if (active === null && !(session.isAdmin() && watchedActionId.value === last.action_id)) return null
  const dismiss = () => {
    watchedActionId.value = 0
  }
  const { name } = info.deployment
  return html`<${RunningAction} key=${last.action_id} action=${last} name=${name} onDismiss=${dismiss} />`
}

function Configs({ resource }: { resource: DeploymentResource }): VNode {
  const { client } = useApp()
  const { info } = resource
  const overrides = useComputed(() =>
    info.value === null ? noOverrides : overridesFromWire(info.value.deployment),
  )
  const deployment = useComputed(() => overrides.value.deployment)
  const application = useComputed(() => overrides.value.application)
  const defaults = useMemo(() => createDefaultsResource(client, deployment), [])
  useEffect(() => defaults.close, [])
  return html`<div class="configs">
    <${ConfigTable} title="Application config" overrides=${application} defaults=${defaults.application} onRetry=${defaults.reload} />
    <${ConfigTable} title="Deployment config" overrides=${deployment} defaults=${defaults.deployment} onRetry=${defaults.reload} />
  </div>`
}
