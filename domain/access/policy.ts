/**
 * The policy file (OCTOPOD_POLICY): which role people have, by their groups, and which CI jobs are trusted. The server reads it, and `octo policy check`
 * validates a file before it is used. docs/policy.md documents it.
 */
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { webhooks } from '../notifications/webhook-policy.ts'
import { type Grant, namePattern, type Person, roles } from './roles.ts'
import { trustRule } from './trust/trust-rule.ts'

/** A larger file is refused. */
export const maxPolicyBytes = 256 * 1024

const text = z.string().min(1).max(500)
const rule = z
  .strictObject({
    group: text.optional().describe('a group of the identity provider'),
    subject: text.optional().describe('a person, by the claim sub of the identity provider'),
    issuer: text.optional().describe('only with subject: the identity provider of that person'),
    proxy_group: text.optional().describe('a group that a trusted proxy names in GROUPS_HEADER'),
    proxy_user: text.optional().describe('a person that a trusted proxy names in ACTOR_HEADER'),
    role: z.enum(roles),
    names: z
      .array(z.string().regex(namePattern, 'may hold only a-z, 0-9, - and *'))
      .min(1)
      .max(100)
      .default(['*'])
      .describe('patterns of deployment names; * stands for any number of characters'),
  })
  .superRefine((one, context) => {
    const who = (['group', 'subject', 'proxy_group', 'proxy_user'] as const).filter(
      (key) => one[key] !== undefined,
    )
    if (who.length !== 1)
      context.addIssue({
        code: 'custom',
        message: 'A rule names exactly one of group, subject, proxy_group and proxy_user.',
      })
    if (one.issuer !== undefined && one.subject === undefined)
      context.addIssue({ code: 'custom', message: 'issuer goes with subject only.', path: ['issuer'] })
  })

export const policySchema = z
  .strictObject({
    version: z.literal(1),
    default_role: z
      .enum([...roles, 'none'])
      .default('none')
      .describe('the role of people whom no rule matches, for all deployments'),
    rules: z.array(rule).max(2000),
    trust: z
      .array(trustRule)
      .max(500)
      .default([])
      .describe(
        'which ID tokens of CI systems are exchanged for a token; the first rule that matches counts',
      ),
    webhooks: webhooks.describe('where status changes are sent'),
  })
  .superRefine(({ rules, default_role }, context) => {
    const hasAdmin = rules.some(({ role, names }) => role === 'admin' && names.includes('*'))
    if (!hasAdmin)
      context.addIssue({
        code: 'custom',
        message:
          'No rule gives the role admin for all names: nobody could change the policy through Octopod.',
        path: ['rules'],
      })
    if (default_role === 'admin')
      context.addIssue({
        code: 'custom',
        message: 'Everybody who signs in would be an admin.',
        path: ['default_role'],
      })
  })

export type Policy = z.output<typeof policySchema>
export type PolicyRule = Policy['rules'][number]

/** `problems`: one sentence each, with the line where it is known. */
export type ParsedPolicy = { policy: Policy } | { problems: string[] }

export function parsePolicy(source: string): ParsedPolicy {
  if (new TextEncoder().encode(source).length > maxPolicyBytes)
    return { problems: [`The file is larger than ${maxPolicyBytes / 1024} KiB.`] }
  const lineCounter = new LineCounter()
  const document = parseDocument(source, { lineCounter, prettyErrors: false })
  const lineAt = (offset: number) => `line ${lineCounter.linePos(offset).line}`
  if (document.errors.length > 0)
    return { problems: document.errors.map(({ message, pos: [offset] }) => `${lineAt(offset)}: ${message}`) }
  const value = toValue(document)
  if ('problem' in value) return { problems: [value.problem] }
  const result = policySchema.safeParse(value.value)
  if (result.success) return { policy: result.data }
  return {
    problems: result.error.issues.map(({ path, message }) => {
      const node = findNode(document, path as (string | number)[])
      const place = path.length === 0 ? '' : `${path.join('.')}: `
      return `${node === null ? '' : `${lineAt(node)}: `}${place}${message}`
    }),
  }
}

/** Aliases may expand to far more than the file: the library refuses too many. */
function toValue(document: ReturnType<typeof parseDocument>): { value: unknown } | { problem: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 50 }) }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

/** Where the value of a path begins, or the nearest one around it. */
function findNode(
  document: ReturnType<typeof parseDocument>,
  path: readonly (string | number)[],
): number | null {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: [number, number, number] }
      | undefined
    if (node?.range) return node.range[0]
  }
  return null
}

/** Who asks, as far as a policy is concerned. `kind`: where the person and the groups come from. */
export type Member = { kind: MemberKind; person: Person; groups: readonly string[] }
/** A service has one group, that of its owners, and never the rules of a person: who creates it chooses its name. */
export type MemberKind = 'oidc' | 'proxy' | 'oidc_service' | 'proxy_service'
export type PersonMember = Member & { kind: 'oidc' | 'proxy' }

/** The grants of all matching rules together; without one, that of default_role. */
export function grantsOf(policy: Policy, member: Member): Grant[] {
  const groups = new Set(member.groups)
  const grants = policy.rules.flatMap((one, at) =>
    isMatch(one, member, groups)
      ? [{ role: one.role, names: one.names, rule: `rule ${at + 1} of the policy: ${describeRule(one)}` }]
      : [],
  )
  if (grants.length > 0 || policy.default_role === 'none') return grants
  return [{ role: policy.default_role, names: ['*'], rule: 'default_role of the policy' }]
}

/** Whether a group can matter: for people with too many groups to keep. */
export const namesGroup = (policy: Policy, group: string): boolean =>
  policy.rules.some((one) => one.group === group || one.proxy_group === group)

function isMatch(one: PolicyRule, { kind, person }: Member, groups: ReadonlySet<string>): boolean {
  if (kind === 'oidc_service') return one.group !== undefined && groups.has(one.group)
  if (kind === 'proxy_service') return one.proxy_group !== undefined && groups.has(one.proxy_group)
  if (kind === 'proxy')
    return (one.proxy_group !== undefined && groups.has(one.proxy_group)) || one.proxy_user === person.subject
  if (one.group !== undefined) return groups.has(one.group)
  return one.subject === person.subject && (one.issuer === undefined || one.issuer === person.issuer)
}

export function describeRule({ group, subject, proxy_group, proxy_user, role, names }: PolicyRule): string {
  const who =
    group !== undefined
      ? `group ${group}`
      : subject !== undefined
        ? `subject ${subject}`
        : proxy_group !== undefined
          ? `proxy group ${proxy_group}`
          : `proxy user ${proxy_user}`
  return `${who} is ${role} of ${names.join(', ')}`
}
