/**
 * The callers of the walk: every role by every way to say who one is, some with a pattern of names. All of them call
 * servers of one installation.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'
import { adminHeader } from '../../helpers/system.ts'
import type { CallerRoles, RoleName } from './access-table.ts'

export type Caller = CallerRoles & {
  title: string
  /** The server that knows the caller. */
  url: string
  headers: Record<string, string>
  person: { issuer: string; subject: string } | null
}

export type AccessSystem = { all: SignedInSystem; callers: Caller[]; stop(): Promise<void> }

/** Names of the fixtures begin with `in-` or `out-`. */
const pattern = 'in-*'
const userHeader = 'Bearer the-users-of-the-walk'

type People = Record<string, { inside: RoleName | null; outside: RoleName | null; rules: string[] }>

/** The key is the name of the group too. */
const people: People = {
  'viewer of in': { inside: 'viewer', outside: null, rules: [`viewer, names: [${pattern}]`] },
  'developer of in': { inside: 'developer', outside: null, rules: [`developer, names: [${pattern}]`] },
  'operator of in': { inside: 'operator', outside: null, rules: [`operator, names: [${pattern}]`] },
  'admin of in': { inside: 'admin', outside: null, rules: [`admin, names: [${pattern}]`] },
  'developer of all': { inside: 'developer', outside: 'developer', rules: ['developer'] },
  'admin of all': { inside: 'admin', outside: 'admin', rules: ['admin'] },
  'viewer of all, developer of in': {
    inside: 'developer',
    outside: 'viewer',
    rules: ['viewer', `developer, names: [${pattern}]`],
  },
  'nothing at all': { inside: null, outside: null, rules: [] },
}

const policyOf = (key: 'group' | 'proxy_group') =>
  Object.entries(people).flatMap(([group, { rules }]) =>
    rules.map((rule) => `  - { ${key}: "${group.replaceAll(',', ' and')}", role: ${rule} }`),
  )

export async function startAccessSystem(): Promise<AccessSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-walk-'))
  const policyFile = join(folder, 'policy.yaml')
  await writeFile(
    policyFile,
    ['version: 1', 'rules:', ...policyOf('group'), ...policyOf('proxy_group'), ''].join('\n'),
  )
  const all = await startSignedInSystem({
    OCTOPOD_POLICY: policyFile,
    APP_AUTHORIZATION_HEADER: userHeader,
    ACTOR_HEADER: 'X-Person',
    GROUPS_HEADER: 'X-Groups',
    TRUSTED_PROXIES: '127.0.0.1',
    USER_ROLE: 'developer',
    REQUEST_LIMIT: '0',
  })
  const stop = async () => {
    await all.stop()
    await rm(folder, { recursive: true })
  }
  try {
    return { all, stop, callers: await createCallers(all) }
  } catch (error) {
    await stop()
    throw error
  }
}

async function createCallers(all: SignedInSystem): Promise<Caller[]> {
  const ofSettings = (role: RoleName | null, isAnonymous: boolean): CallerRoles => ({
    inside: role,
    outside: role,
    isAnonymous,
    isPerson: false,
  })
  const callers: Caller[] = [
    {
      title: 'the admin header',
      ...ofSettings('admin', false),
      url: all.origin,
      headers: { Authorization: adminHeader },
      person: null,
    },
    {
      title: 'the user header (developer)',
      ...ofSettings('developer', false),
      url: all.origin,
      headers: { Authorization: userHeader },
      person: null,
    },
    { title: 'nobody', ...ofSettings(null, true), url: all.origin, headers: {}, person: null },
  ]
  for (const [at, [title, { inside, outside }]] of Object.entries(people).entries()) {
    const group = title.replaceAll(',', ' and')
    const subject = `person${at}`
    all.provider.accounts.set(subject, { name: `Person ${at}`, groups: [group] })
    const browser = await all.signIn(subject)
    const roles = { inside, outside, isAnonymous: false, isPerson: true }
    callers.push({
      title: `a session: ${title}`,
      ...roles,
      url: all.origin,
      headers: { Cookie: browser.cookieHeader(), Origin: all.origin },
      person: { issuer: all.provider.issuer, subject },
    })
    callers.push({
      title: `a proxy: ${title}`,
      ...roles,
      url: all.origin,
      headers: { 'X-Person': `proxy-${subject}`, 'X-Groups': group },
      person: { issuer: 'proxy', subject: `proxy-${subject}` },
    })
  }
  const others = [
    { USER_ROLE: 'viewer', ANONYMOUS_ROLE: 'viewer' },
    { USER_ROLE: 'operator', ANONYMOUS_ROLE: 'developer' },
    { USER_ROLE: 'developer', ANONYMOUS_ROLE: 'operator' },
  ] as const
  for (const settings of others) {
    const { url } = await all.system.startServer({ PORT: '0', ...settings })
    callers.push(
      {
        title: `the user header (USER_ROLE=${settings.USER_ROLE})`,
        ...ofSettings(settings.USER_ROLE, false),
        url,
        headers: { Authorization: userHeader },
        person: null,
      },
      {
        title: `nobody (ANONYMOUS_ROLE=${settings.ANONYMOUS_ROLE})`,
        ...ofSettings(settings.ANONYMOUS_ROLE, true),
        url,
        headers: {},
        person: null,
      },
    )
  }
  assert.equal(callers.length, 3 + 2 * Object.keys(people).length + 6)
  return callers
}
