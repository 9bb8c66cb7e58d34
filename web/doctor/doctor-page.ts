/** The page "Doctor", for admins: what is wrong, what to do, and the servers, runners and stores. doctor-model.ts finds it out. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { DoctorResult } from '../../domain/doctor/doctor-endpoints.ts'
import { type Finding, type Level, levels, type Subject } from '../../domain/doctor/finding-codes.ts'
import { useApp } from '../app-context.ts'
import { basePath } from '../base-path.ts'
import { pluralize } from '../format.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { ErrorState, StaleDataWarning } from '../ui/error-state.ts'
import { drawing } from '../ui/icon.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { createDoctorModel, isProblem } from './doctor-model.ts'

export function DoctorPage(): VNode {
  const app = useApp()
  const model = useMemo(() => createDoctorModel(app), [])
  const examine = () => void model.examine()
  useEffect(() => setBrowserTab('Doctor · Octopod'), [])
  useEffect(examine, [app.identity.key.value])
  const result = model.result.value
  const error = model.error.value
  const isExamining = model.isExamining.value
  return html`<main class="doctor">
    <header>
      <h1>Doctor</h1>
      <button type="button" aria-disabled=${isExamining} onClick=${examine}>${isExamining ? 'Examining…' : 'Examine again'}</button>
    </header>
    <p class="hint">What is wrong with this installation, and what to do. <code>octo doctor</code> shows the same for its connection.</p>
    ${
      result === null
        ? error === null
          ? html`<div class="loading" role="status"><span class="visually-hidden">Examining</span><div class="skeleton skeleton-tall"></div></div>`
          : html`<${ErrorState} title="Could not examine the installation" error=${error} onRetry=${examine} />`
        : html`<${StaleDataWarning} error=${error} />
            <${Findings} findings=${model.findings.value} result=${result} isExamining=${isExamining} />
            <${Facts} result=${result} />`
    }
  </main>`
}

type FindingsProps = { findings: readonly Finding[]; result: DoctorResult; isExamining: boolean }

function Findings({ findings, result, isExamining }: FindingsProps): VNode {
  const problems = findings
    .filter(isProblem)
    .toSorted((one, other) => levels.indexOf(other.level) - levels.indexOf(one.level))
  const healthy = findings.filter((one) => !isProblem(one))
  return html`<p class="doctor-summary" role="status">
      ${isExamining ? 'Examining…' : html`${summarize(problems)} Examined <${RelativeTime} time=${result.checked_at} /> in ${result.duration_ms} ms.`}
    </p>
    ${problems.length > 0 && html`<section><h2>To do</h2><ul class="findings">${problems.map(toRow)}</ul></section>`}
    <section><h2>In order</h2><ul class="findings">${healthy.map(toRow)}</ul></section>`
}

const toRow = (finding: Finding) =>
  html`<${FindingRow} key=${`${finding.code} ${finding.subject} ${finding.message}`} finding=${finding} />`

function FindingRow({ finding }: { finding: Finding }): VNode {
  const { level, subject, message, cure, link, code } = finding
  const { tone, word } = shownLevels[level]
  return html`<li data-tone=${tone} data-code=${code}>
    <p>
      ${drawing('status-icon', 12, `i-${tone}`)}
      <span class="finding-level">${word}</span>
      <strong>${subjectLabels[subject]}</strong>
    </p>
    <div>
      <p>${message}</p>
      ${cure !== null && html`<p class="finding-cure">${cure} ${link !== null && html`<a href=${basePath + link}>About ${code}</a>`}</p>`}
    </div>
  </li>`
}

const shownLevels: Record<Level, { tone: string; word: string }> = {
  ok: { tone: 'success', word: 'OK' },
  warning: { tone: 'warning', word: 'Warning' },
  error: { tone: 'error', word: 'Error' },
}

const subjectLabels: Record<Subject, string> = {
  connection: 'Connection of this browser',
  servers: 'Servers',
  runners: 'Runners',
  postgresql: 'PostgreSQL',
  redis: 'Redis',
  clocks: 'Clocks',
  scripts: 'Control scripts',
  policy: 'Policy',
  actions: 'Actions',
  history: 'History',
  audit: 'Audit log',
  webhooks: 'Webhooks',
  access: 'Access',
}

function summarize(problems: readonly Finding[]): string {
  const errors = problems.filter(({ level }) => level === 'error').length
  const warnings = problems.length - errors
  if (problems.length === 0) return 'Nothing is wrong.'
  const parts = [
    ...(errors > 0 ? [pluralize(errors, 'error', 'errors')] : []),
    ...(warnings > 0 ? [pluralize(warnings, 'warning', 'warnings')] : []),
  ]
  return `${parts.join(', ')}.`
}

function Facts({ result }: { result: DoctorResult }): VNode {
  const { postgresql, redis } = result.stores
  return html`<section>
    <h2>Servers, runners and stores</h2>
    <ul class="doctor-facts">
      ${result.servers.map((server) => html`<${ProgramFacts} key=${server.name} kind=${server.name === result.server ? 'Server, which answers here' : 'Server'} program=${server} />`)}
      ${result.runners.map((runner) => html`<${ProgramFacts} key=${runner.name} kind=${`Runner, ${pluralize(runner.under_way, 'action', 'actions')} under way`} program=${runner} />`)}
      <${StoreFacts} name="PostgreSQL" store=${postgresql} />
      <${StoreFacts} name="Redis" store=${redis} />
    </ul>
  </section>`
}

type Program = DoctorResult['servers'][number]

const ProgramFacts = ({ kind, program }: { kind: string; program: Program }): VNode =>
  html`<li>
    <p><code>${program.name}</code> ${kind}</p>
    <p class="hint">
      version ${program.version}, Node ${program.node.replace(/^v/, '')}, started ${html`<${RelativeTime} time=${program.started_at} />`}, reported ${program.last_report_seconds} s before${program.clock_offset_ms === null ? ', without PostgreSQL' : `, clock ${formatOffset(program.clock_offset_ms)}`}
    </p>
  </li>`

const StoreFacts = ({ name, store }: { name: string; store: DoctorResult['stores']['redis'] }): VNode =>
  html`<li>
    <p>${name}</p>
    <p class="hint">${store === null ? 'does not answer' : `version ${store.version || 'unknown'}, answers in ${store.latency_ms} ms, clock ${formatOffset(store.clock_offset_ms)}`}</p>
  </li>`

/** As seconds, because differences of milliseconds are those of the network. */
const formatOffset = (offsetMs: number): string =>
  Math.abs(offsetMs) < 1000
    ? 'right'
    : `${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${offsetMs > 0 ? 'fast' : 'slow'}`
