/** How octo shows owners, roles, and what whoami says. Called by the commands. */
import type { Grant } from '../../domain/access/roles.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { toSingleLine } from './terminal-text.ts'

type Owner = NonNullable<FullInfo['owner']>

/** The name alone for tables, because issuers are long. */
export const ownerName = ({ owner }: Pick<FullInfo, 'owner'>): string => owner?.name ?? ''

export const ownerLabel = (owner: Owner | null | undefined): string =>
  owner ? toSingleLine(`${owner.name} (${owner.subject} of ${owner.issuer})`) : 'nobody'

/** `team=shop,env=qa`, as kubectl shows them. */
export const labelsText = ({ labels = {} }: Pick<FullInfo, 'labels'>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** `developer for shop-*: rule 2 of the policy: …`. */
export const grantLabel = ({ role, names, rule }: Grant): string =>
  toSingleLine(`${role} for ${names.join(', ')}: ${rule}`)

/** Rows with aligned values; a row without a value is left out. */
export function labelledLines(rows: readonly (readonly [label: string, value: string | null])[]): string[] {
  const shown = rows.filter((row): row is [string, string] => row[1] !== null)
  const width = Math.max(...shown.map(([label]) => label.length)) + 2
  return shown.map(([label, value]) => `${`${label}:`.padEnd(width)}${toSingleLine(value)}`)
}
