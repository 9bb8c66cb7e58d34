/** How a CI run is called where it acts, and the address of the run. Made from signed claims only. Used by the server. */
import { isSafeLink } from '../../safe-link.ts'
import { type Claims, claimText, systemOf } from './claims.ts'

/** `link`: null where the claims do not say where the run is. */
export type RunLabel = { name: string; link: string | null }

/** Such as `github:dev1, acme/shop#412, run 99`. */
export function runLabel(claims: Claims): RunLabel {
  const text = (name: string) => claimText(claims, name) ?? ''
  const issuer = text('iss')
  switch (systemOf(claims)) {
    case 'github': {
      const pull = text('pull_request')
      const place = pull === '' ? `@${text('ref').replace(/^refs\/(?:heads|tags)\//, '')}` : `#${pull}`
      return {
        name: `github:${text('actor')}, ${text('repository')}${place}, run ${text('run_number') || text('run_id')}`,
        link: linkTo(githubAddress(issuer), `${text('repository')}/actions/runs/${text('run_id')}`),
      }
    }
    case 'gitlab':
      return {
        name: `gitlab:${text('user_login')}, ${text('project_path')}@${text('ref')}, job ${text('job_id')}`,
        link: linkTo(issuer, `${text('project_path')}/-/jobs/${text('job_id')}`),
      }
    case 'kubernetes':
      return { name: `kubernetes:${text('namespace')}/${text('service_account')}`, link: null }
    case 'other':
      return { name: `${URL.parse(issuer)?.host ?? 'unknown'}:${text('sub')}`, link: null }
  }
}

/** Where the people of an issuer of GitHub, of GHE.com or of GitHub Enterprise Server read their runs. */
function githubAddress(issuer: string): string | null {
  const url = URL.parse(issuer)
  if (url === null) return null
  if (url.hostname === 'token.actions.githubusercontent.com') return 'https://github.com'
  const [, tenant] = /^token\.actions\.([a-z0-9-]+\.ghe\.com)$/.exec(url.hostname) ?? []
  if (tenant !== undefined) return `https://${tenant}`
  return url.pathname.startsWith('/_services/token') ? url.origin : null
}

function linkTo(address: string | null, path: string): string | null {
  if (address === null || !/^[\w./-]{1,500}$/.test(path) || /(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return null
  const link = `${address.replace(/\/$/, '')}/${path}`
  return isSafeLink(link) ? link : null
}
