/** The page of one deployment: status, config, actions. Its data comes from deployment-resource.ts. */
import { useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { activeAction } from '../../client/action-outcome.ts'
import { diffBothLevels } from '../../client/config-diff.ts'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import { noOverrides, overridesFromWire } from '../../domain/overrides.ts'
import type { Action, FullInfo } from '../../domain/schemas.ts'
import { ActionList } from '../activity/action-list.ts'
import { LastAction } from '../activity/last-action.ts'
import { usualDurationMs } from '../activity/usual-duration.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { AppLogs } from '../app-logs/app-logs-part.ts'
import { auditPath } from '../audit/audit-filters.ts'
import { createDefaultsResource } from '../config/config-defaults.ts'
import { ConfigTable } from '../config/config-table.ts'
import { NotFound } from '../not-found.ts'
import { homePath, outputQuery } from '../routes.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { ErrorState, StaleDataWarning } from '../ui/error-state.ts'
import { Icon } from '../ui/icon.ts'
import { DeploymentHeader } from './deployment-header.ts'
import { createDeploymentResource, type DeploymentResource } from './deployment-resource.ts'
import { FailedScripts } from './failure/failed-scripts.ts'
import { needsAttention, statusLabel } from './status-labels.ts'

export function DeploymentPage({ name }: { name: string }): VNode {
  const app = useApp()
  const resource = useMemo(() => createDeploymentResource(app, name), [])
  useEffect(() => resource.close, [])
  const info = resource.info.value
  const error = resource.error.value
  const problem = info !== null && needsAttention(info) ? statusLabel(info).label : null
  useEffect(() => {
    setBrowserTab(`${problem === null ? '' : `${problem}: `}${name} · Octopod`, problem !== null)
  }, [problem])

  useFormAddress(app, name, info)

  if (info === null && error?.code === 'no_such_deployment') {
    const existedBefore = resource.actions.value !== null
    return html`<${NotFound}
      title=${existedBefore ? `${name} was deleted` : `Deployment ${name} does not exist`}
      text=${existedBefore ? 'It was cleaned up or its record was deleted.' : 'It may have another name, or it was deleted.'}
    >
      ${' · '}<a href=${auditPath({ deployment: name })}>Audit log of ${name}</a>
    <//>`
  }
  return html`<main class="deployment">
    <a class="back-link" href=${homePath}><${Icon} name="back" />All deployments</a>
    ${
      info === null
        ? error === null
          ? html`<${Skeleton} />`
          : html`<h1 class="visually-hidden">${name}</h1>
              <${ErrorState} title=${`Could not load ${name}`} error=${error} onRetry=${resource.reload} />`
        : html`<${DeploymentHeader} info=${info} lastCheck=${resource.lastCheck.value} waitsUntil=${resource.waitsUntil.value} />
            ${
              // The header grows with the last check, so nothing below it is drawn before.
              (resource.actions.value === null || app.identity.mayReadOutput(name) === null) && error === null
                ? html`<${Skeleton} />`
                : html`<${LastActionPanel} info=${info} resource=${resource} />
                    <${FailedScripts} scripts=${resource.failedScripts.value} />
                    <${AppLogs} name=${name} />
                    <${Configs} resource=${resource} />`
            }
            <${StaleDataWarning} error=${error} />`
    }
  </main>`
}

/** The form is open while the address says so, and closing it goes back to the address of the page. */
function useFormAddress({ router, overlay }: AppContext, name: string, info: FullInfo | null): void {
  const route = router.route.value
  const isEditing = route.page === 'deployment' && route.isEditing
  const isLoaded = info !== null
  useEffect(() => {
    if (!isEditing || !isLoaded) return
    if (overlay.peek()?.type !== 'edit-config') overlay.value = { type: 'edit-config', name }
    return overlay.subscribe((current) => {
      if (current?.type !== 'edit-config') router.leaveForm()
    })
  }, [isEditing, isLoaded])
}

/**
 * The last action always has this place, so that an action of somebody else moves nothing on the page. Its output is
 * open when the action runs while the page is opened, or when the user has started it.
 */
function LastActionPanel({ info, resource }: { info: FullInfo; resource: DeploymentResource }): VNode | null {
  const { identity, ownChanges, router } = useApp()
  const { last_action: last, deployment } = info
  const canReadOutput = identity.mayReadOutput(deployment.name) === true
  const route = router.route.value
  const linked = route.page === 'deployment' && route.output === last?.action_id ? route.output : null
  const openOutputOf = useSignal(activeAction(info)?.action_id ?? linked ?? 0)
  // A link to the output may be followed on this page too.
  useEffect(() => {
    if (linked !== null) openOutputOf.value = linked
  }, [route])
  if (last === null) return null
  const isOwn = ownChanges.has(deployment.name) && isActive(last.state)
  if (isOwn) openOutputOf.value = last.action_id
  const isOpen = canReadOutput && openOutputOf.value === last.action_id
  const toggle = () => {
    ownChanges.delete(deployment.name)
    openOutputOf.value = isOpen ? 0 : last.action_id
    router.replaceSearch(isOpen ? '' : outputQuery(last.action_id))
  }
  const usualMs = usualDurationMs(last, resource.actions.value ?? [])
  const details = resource.actions.value?.find(({ action_id }) => action_id === last.action_id) ?? null
  return html`<${LastAction} action=${last} details=${details} lastGood=${findLastGood(details, resource.actions.value ?? [])} info=${info} name=${deployment.name} usualMs=${usualMs} outputShown=${isOpen} onToggleOutput=${toggle} />`
}

/** What a failed update can be rolled back to. The actions are the newest first. */
function findLastGood(failed: Action | null, actions: readonly Action[]): Action | null {
  if (failed === null || kindFromWireName(failed.action) !== 'update') return null
  const isOther = (action: Action) =>
    diffBothLevels(overridesFromWire(action), overridesFromWire(failed)).length > 0
  return (
    actions.find(
      (action) => action.action_id < failed.action_id && action.state === 'succeeded' && isOther(action),
    ) ?? null
  )
}

const Skeleton = (): VNode =>
  html`<div class="loading" role="status"><span class="visually-hidden">Loading</span><div class="skeleton skeleton-tall"></div></div>`

/** A slow config script delays the actions no longer than this. */
const maxWaitMs = 3000

/**
 * The config and the history, side by side on a wide screen. Both appear together, because below each other the loading
 * config would move the history.
 */
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
  const isWaiting = useComputed(() =>
    [defaults.deployment, defaults.application].some(({ value }) => /waiting|loading/.test(value.state)),
  )
  const isComplete = useSignal(false)
  useEffect(() => {
    if (!isWaiting.value) isComplete.value = true
    const timer = setTimeout(() => {
      isComplete.value = true
    }, maxWaitMs)
    return () => clearTimeout(timer)
  }, [isWaiting.value])
  if (!isComplete.value) return html`<${Skeleton} />`
  return html`<div class="deployment-columns" ref=${scrollToSection}>
    <div class="configs" id="config">
      <${ConfigTable} title="Application config" overrides=${application} defaults=${defaults.application} onRetry=${defaults.reload} />
      <${ConfigTable} title="Deployment config" overrides=${deployment} defaults=${defaults.deployment} onRetry=${defaults.reload} />
    </div>
    <div class="history" id="history"><${ActionList} resource=${resource} /></div>
  </div>`
}

/** The address may name a section, which is not there while the page loads. */
function scrollToSection(columns: HTMLElement | null): void {
  if (/^#(config|history)$/.test(location.hash)) columns?.querySelector(location.hash)?.scrollIntoView()
}
