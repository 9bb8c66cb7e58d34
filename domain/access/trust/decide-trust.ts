/**
 * Finds the trust rule for the claims of an ID token: the first one that matches counts. Decided again at every use of the token
 * that was given for them, so that a change of the policy counts at once. Used by the server.
 */
import { type Grant, matchesAny } from '../roles.ts'
import { type Claims, claimText, claimTexts, systemOf } from './claims.ts'
import { fillTemplate } from './name-template.ts'
import type { TrustRule } from './trust-rule.ts'

export type TrustDecision =
  | { rule: TrustRule; grant: Grant }
  /** For the owner of the token: names no value that a rule expects. */
  | { refusal: string }

export function decideTrust(rules: readonly TrustRule[], claims: Claims): TrustDecision {
  const ofIssuer = rules.filter(({ issuer }) => issuer === claims.iss)
  if (ofIssuer.length === 0)
    return { refusal: `No trust rule names the issuer ${quote(String(claims.iss ?? ''))}.` }
  const audiences = claimTexts(claims, 'aud')
  const forAudience = ofIssuer.filter(({ audience }) => audience.some((one) => audiences.includes(one)))
  if (forAudience.length === 0) {
    const wanted = [...new Set(ofIssuer.flatMap(({ audience }) => audience))].slice(0, 10)
    return {
      refusal: `This ID token is made for ${quote(audiences.join(', ')) || 'nobody'}. Request one for the audience ${wanted.join(' or ')}.`,
    }
  }
  const tried = forAudience.map((rule) => ({ rule, failed: failedConditions(rule, claims) }))
  const found = tried.find(({ failed }) => failed.length === 0)
  if (found === undefined) return { refusal: explainMismatch(tried, claims) }
  return toGrant(found.rule, rules.indexOf(found.rule), claims)
}

/** The claims that keep a rule from matching. */
function failedConditions({ conditions }: TrustRule, claims: Claims): string[] {
  const failed = Object.entries(conditions)
    .filter(([name, patterns]) => !claimTexts(claims, name).some((value) => matchesAny(patterns, value)))
    .map(([name]) => name)
  return failed.length === 0 && isUntrustedEvent(conditions, claims) ? ['event_name'] : failed
}

/** It also runs for pull requests of strangers, with the rights of the repository. A rule must name it to let it in. */
const strangersEvent = 'pull_request_target'

const isUntrustedEvent = (conditions: TrustRule['conditions'], claims: Claims): boolean =>
  systemOf(claims) === 'github' &&
  claimText(claims, 'event_name') === strangersEvent &&
  !conditions.event_name?.includes(strangersEvent)

function toGrant(rule: TrustRule, index: number, claims: Claims): TrustDecision {
  const filled = rule.names.map((template) => ({ template, ...fillTemplate(template, claims) }))
  const problem = filled.find((one) => 'problem' in one)
  if (problem !== undefined && 'problem' in problem)
    return {
      refusal: `Trust rule ${index + 1} matches this ID token, but its names ${problem.template} cannot be filled in: ${problem.problem}.`,
    }
  const names = filled.flatMap((one) => ('pattern' in one ? one.pattern : []))
  return { rule, grant: { role: rule.role, names, rule: `trust rule ${index + 1} of the policy` } }
}

/** Goes by the rule that comes nearest. */
function explainMismatch(tried: readonly { failed: readonly string[] }[], claims: Claims): string {
  const [nearest = []] = tried.map(({ failed }) => failed).sort((a, b) => a.length - b.length)
  const facts = nearest.slice(0, 5).map((name) => {
    const texts = claimTexts(claims, name)
    return texts.length === 0 ? `it has no claim ${name}` : `its ${name} is ${quote(texts.join(', '))}`
  })
  return `No trust rule matches this ID token: ${facts.join(', ')}.${hint(nearest, claims)}`
}

function hint(failed: readonly string[], claims: Claims): string {
  const system = systemOf(claims)
  const event = claimText(claims, 'event_name')
  if (system === 'github' && event === strangersEvent)
    return ` ${strangersEvent} also runs for pull requests from forks, so a rule must name it: use the event pull_request.`
  if (system === 'github' && failed.some((name) => /^repository/.test(name)))
    return ' A repository that is a fork is another repository.'
  if (system !== 'gitlab' || !failed.some((name) => /^(?:project|namespace)_|^sub$/.test(name))) return ''
  return claimText(claims, 'pipeline_source') === 'merge_request_event' ||
    (claimText(claims, 'job_project_id') ?? claimText(claims, 'project_id')) !==
      claimText(claims, 'project_id')
    ? ' The token of a merge request from a fork carries the project of the fork, which is not trusted: let a member push the branch to the project itself.'
    : ''
}

const quote = (text: string) => text.slice(0, 200).toWellFormed()
