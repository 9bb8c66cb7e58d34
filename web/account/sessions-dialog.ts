/** The sessions of the caller, or of everybody for admins. Each can be ended. Opened from the account menu. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { SessionInfo } from '../../domain/access/access-schemas.ts'
import { proofs } from '../../domain/access/proof.ts'
import { decide } from '../../domain/access/roles.ts'
import { useApp } from '../app-context.ts'
import { Dialog } from '../ui/dialogs/dialog.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { signOut } from './sign-out.ts'

export function SessionsDialog(): VNode {
  const app = useApp()
  const { client, identity, overlay } = app
  const who = identity.who.value
  const permissions = identity.permissions.value
  const mayManage = permissions !== null && decide(permissions, 'manage_sessions').isAllowed
  const isPerson = who?.subject !== null
  const showsAll = useSignal(mayManage && !isPerson)
  const sessions = useSignal<readonly SessionInfo[] | null>(null)
  const error = useSignal<ApiError | null>(null)
  const load = async () => {
    try {
      sessions.value = await client.call('listSessions', {
        query: { all: showsAll.peek() ? 'true' : 'false' },
      })
      error.value = null
    } catch (caught) {
      error.value = toApiError(caught)
    }
  }
  useEffect(() => void load(), [showsAll.value])
  const end = async (session: SessionInfo) => {
    if (session.is_current) return signOut(app)
    try {
      await client.call('endSession', { params: { session_id: session.session_id } })
      app.toasts.showSuccess('The session has ended.')
    } catch (caught) {
      error.value = toApiError(caught)
    }
    await load()
  }
  const close = () => {
    overlay.value = null
  }
  const title = showsAll.value ? 'All sessions' : 'Your sessions'
  return html`<${Dialog} variant="modal wide" label=${title} onClose=${close}>
    <h2>${title}</h2>
    ${
      mayManage &&
      isPerson &&
      html`<label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked=${showsAll.value}
          onChange=${(event: { currentTarget: HTMLInputElement }) => {
            showsAll.value = event.currentTarget.checked
          }}
        />
        <span>Everybody's</span>
      </label>`
    }
    ${error.value !== null && html`<${ErrorBox} error=${error.value} onRetry=${() => void load()} />`}
    ${sessions.value === null && error.value === null && html`<p role="status">Loading…</p>`}
    ${sessions.value?.length === 0 && html`<p class="hint">There is no session.</p>`}
    <ul class="sessions">
      ${sessions.value?.map((session) => html`<${SessionRow} key=${session.session_id} session=${session} isNamed=${showsAll.value} onEnd=${() => void end(session)} />`)}
    </ul>
    <div class="buttons"><button type="button" onClick=${close}>Close</button></div>
  <//>`
}

type RowProps = { session: SessionInfo; isNamed: boolean; onEnd: () => void }

function SessionRow({ session, isNamed, onEnd }: RowProps): VNode {
  const browser = describeBrowser(session.user_agent)
  const what = isNamed ? `${session.name}, ${browser}` : browser
  return html`<li>
    <div>
      <strong title=${session.user_agent}>${what}</strong>${session.is_current && html` <span class="role">this browser</span>`}
      <small>
        ${isNamed && `${proofs[session.proof].label}${session.subject === null ? '' : `, ${session.subject}`}. `}
        From ${session.address}. Signed in <${RelativeTime} time=${session.created_at} />, last seen <${RelativeTime} time=${session.last_seen_at} />.
      </small>
    </div>
    <button type="button" aria-label=${session.is_current ? undefined : `End the session ${what}`} onClick=${onEnd}>${session.is_current ? 'Sign out' : 'End'}</button>
  </li>`
}

const browsers = [/Edg\//, /Firefox\//, /Chrome\//, /Safari\//, /curl\//]
const browserNames = ['Edge', 'Firefox', 'Chrome', 'Safari', 'curl']
const systems = ['Windows', 'Android', 'iPhone', 'iPad', 'Mac OS', 'Linux']

/** `Firefox on Linux`. People recognise their browser by it; it proves nothing. */
export function describeBrowser(userAgent: string): string {
  const name = browserNames[browsers.findIndex((pattern) => pattern.test(userAgent))] ?? 'Another program'
  const system = systems.find((text) => userAgent.includes(text))
  return system === undefined ? name : `${name} on ${system}`
}
