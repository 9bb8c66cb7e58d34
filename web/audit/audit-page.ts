/** The page "Audit log": who did what, the newest first, with filters in the URL. audit-log.ts loads the entries. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { decide, type Permissions, seesAllNames } from '../../domain/access/roles.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { ErrorState, StaleDataWarning } from '../ui/error-state.ts'
import { formatFilters, parseFilters } from './audit-filters.ts'
import { createAuditLog, maxNew } from './audit-log.ts'
import { AuditRow } from './audit-row.ts'
import { AuditToolbar } from './audit-toolbar.ts'

/** A stream would hold one of the few connections of the browser, and a server has a limited number of them. */
const pollIntervalMs = 5000

export function AuditPage({ search }: { search: string }): VNode {
  const { client, clock, identity, router } = useApp()
  const filters = useSignal(parseFilters(search))
  const log = useMemo(() => createAuditLog(client, clock), [])
  const list = useRef<HTMLOListElement>(null)
  const query = formatFilters(filters.value)
  const load = () => void log.load(filters.peek())

  useSignalEffect(() => {
    const route = router.route.value
    if (route.page === 'audit') filters.value = parseFilters(route.search)
  })
  useEffect(() => {
    router.replaceSearch(query)
    load()
  }, [query, identity.key.value])
  useEffect(() => {
    setBrowserTab('Audit log · Octopod')
    const pollWhenVisible = () => {
      if (document.visibilityState === 'visible') void log.poll()
    }
    const timer = setInterval(pollWhenVisible, pollIntervalMs)
    document.addEventListener('visibilitychange', pollWhenVisible)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', pollWhenVisible)
      log.close()
    }
  }, [])
  /** The pressed button may disappear, and the keyboard goes on with the entries. */
  const focusRow = (index: number) => list.current?.querySelectorAll<HTMLElement>('summary')[index]?.focus()
  const showNew = async () => {
    await log.showNew()
    scrollTo(0, 0)
    requestAnimationFrame(() => focusRow(0))
  }
  const loadOlder = async () => {
    const count = log.entries.peek()?.length ?? 0
    await log.loadOlder()
    if (!log.hasOlder.peek()) requestAnimationFrame(() => focusRow(count))
  }

  const entries = log.entries.value
  const error = log.error.value
  const newCount = log.newCount.value
  return html`<main class="audit">
    <h1>Audit log</h1>
    <p class="hint">${scopeText(identity.permissions.value)}</p>
    <${AuditToolbar} filters=${filters} />
    ${
      entries === null
        ? error === null
          ? html`<div class="loading" role="status"><span class="visually-hidden">Loading the audit log</span><div class="skeleton skeleton-tall"></div></div>`
          : html`<${ErrorState} title="Could not load the audit log" error=${error} onRetry=${load} />`
        : html`<div class="list-summary">
              <p role="status">${pluralize(entries.length, 'entry', 'entries')}${log.hasOlder.value && ', there are older ones'}</p>
              <div role="status">
                ${newCount > 0 && html`<button type="button" class="small held-changes" onClick=${showNew}>${newCount === maxNew ? `${maxNew} or more new entries` : pluralize(newCount, 'new entry', 'new entries')}, show</button>`}
              </div>
            </div>
            <${StaleDataWarning} error=${error} />
            ${entries.length === 0 && html`<${Empty} isFiltered=${query !== ''} isPartial=${log.hasOlder.value} />`}
            <ol ref=${list}>${entries.map((entry) => html`<${AuditRow} key=${entry.id} entry=${entry} />`)}</ol>
            ${
              log.hasOlder.value &&
              html`<div class="load-more">
                <button type="button" aria-disabled=${log.isLoading.value} onClick=${() => void loadOlder()}>
                  ${log.isLoading.value ? 'Loading…' : entries.length === 0 ? 'Search further back' : 'Load more'}
                </button>
              </div>`
            }`
    }
  </main>`
}

/** Which entries the reader sees: see docs/audit.md. */
const scopeText = (permissions: Permissions | null) =>
  permissions !== null && seesAllNames(permissions.grants) && decide(permissions, 'read_access_log').isAllowed
    ? 'Who did what in the whole project, also with deployments that are gone, and what was refused.'
    : 'Who did what with the deployments that you may see, also with those that are gone, and your own sign-ins and tokens.'

type EmptyProps = { isFiltered: boolean; isPartial: boolean }

const Empty = ({ isFiltered, isPartial }: EmptyProps): VNode =>
  html`<div class="empty-state">
    <p>${isPartial ? 'No match so far.' : isFiltered ? 'No entry matches.' : 'No entries yet.'}</p>
    ${isFiltered && html`<p class="hint">Names of deployments and people must match exactly.</p>`}
  </div>`
