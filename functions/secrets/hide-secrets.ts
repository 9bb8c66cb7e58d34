/**
 * Puts references in the place of secret values, in everything that goes to a caller without the right see_secrets: deployments,
 * events, actions and defaults. Created by create-services.ts; the database and Redis have the values.
 */
import type { ChangeEvent } from '../../domain/event.ts'
import type { ConfigLevel, KeyValue, Override } from '../../domain/overrides.ts'
import type { Action, ActionLog, FullInfo, Info, Link } from '../../domain/schemas.ts'
import { referencePrefix } from '../../domain/secrets/secret-reference.ts'
import { hideUrlPasswords, isSecretPair } from '../../domain/secrets/secret-values.ts'
import type { ReferenceOwner, References } from './references.ts'

/** What holds nothing secret is returned as it is. */
export type SecretHider = {
  fullInfo<Body extends FullInfo>(body: Body): Body
  /** The JSON text of a deployment. */
  fullInfoText(text: string): string
  /** The JSON text of a change event. */
  eventText(text: string): string
  action(action: Action, createdAt: string): Action
  infoHead(
    head: Pick<Info, 'deployment' | 'metadata'>,
    createdAt: string,
  ): Pick<Info, 'deployment' | 'metadata'>
  actionLog(log: ActionLog, owner: ReferenceOwner): ActionLog
  /** The keys whose values are hidden in these overrides. */
  secretKeysOf(overrides: readonly Override[]): string[]
  /** The values of secret keys in overrides. */
  valuesOf(overrides: readonly Override[]): string[]
  /** Defaults that a config script prints. Those that contain a value of `alsoSecret` are hidden too. */
  defaults(level: ConfigLevel, pairs: KeyValue[], alsoSecret?: readonly string[]): KeyValue[]
}

export function createSecretHider(references: References, keyPattern: () => RegExp): SecretHider {
  // A value like a reference is hidden too, so that what begins like one is one.
  const isSecret = (key: string, value: string) =>
    value.startsWith(referencePrefix) || isSecretPair(key, value, keyPattern())
  const hasSecret = (overrides: readonly Override[]) =>
    overrides.some(([key, value]) => value.tag === 'ValueAdded' && isSecret(key, value.contents))

  const hide = (owner: ReferenceOwner, level: ConfigLevel, overrides: Override[]): Override[] => {
    if (!hasSecret(overrides)) return overrides
    return overrides.map(([key, value]): Override => {
      if (value.tag !== 'ValueAdded' || !isSecret(key, value.contents)) return [key, value]
      return [key, { ...value, contents: references.ofValue(owner, { level, key }, value.contents) }]
    })
  }
  const secretKeysOf = (overrides: readonly Override[]): string[] =>
    overrides.flatMap(([key, value]) =>
      value.tag === 'ValueAdded' && isSecret(key, value.contents) ? [key] : [],
    )
  const valuesOf = (overrides: readonly Override[]): string[] =>
    overrides.flatMap(([key, value]) =>
      value.tag === 'ValueAdded' && isSecret(key, value.contents) ? [value.contents] : [],
    )
  const hideDeployment = <Body extends { deployment: FullInfo['deployment']; metadata: Link[] }>(
    body: Body,
    createdAt: string,
  ): Body => {
    const { deployment, metadata } = body
    const { name, app_overrides, deployment_overrides } = deployment
    const owner = { name, createdAt }
    const links = hideInLinks(metadata, [...valuesOf(app_overrides), ...valuesOf(deployment_overrides)])
    const application = hide(owner, 'application', app_overrides)
    const ofDeployment = hide(owner, 'deployment', deployment_overrides)
    if (application === app_overrides && ofDeployment === deployment_overrides && links === metadata)
      return body
    return {
      ...body,
      deployment: { ...deployment, app_overrides: application, deployment_overrides: ofDeployment },
      metadata: links,
    }
  }
  const fullInfo = <Body extends FullInfo>(body: Body) => hideDeployment(body, body.created_at)

  return {
    fullInfo,
    valuesOf,
    secretKeysOf,
    fullInfoText: (text) => {
      const body = JSON.parse(text) as FullInfo
      const hidden = fullInfo(body)
      return hidden === body ? text : JSON.stringify(hidden)
    },
    eventText: (text) => {
      const event = JSON.parse(text) as ChangeEvent
      if (event.type !== 'deployment') return text
      const hidden = fullInfo(event.deployment)
      return hidden === event.deployment ? text : JSON.stringify({ ...event, deployment: hidden })
    },
    action: (action, createdAt) => {
      const owner = { name: action.deployment, createdAt }
      return {
        ...action,
        app_overrides: hide(owner, 'application', action.app_overrides),
        deployment_overrides: hide(owner, 'deployment', action.deployment_overrides),
      }
    },
    infoHead: hideDeployment,
    actionLog: (log, owner) => ({
      ...log,
      deployment_app_overrides: hide(owner, 'application', log.deployment_app_overrides),
      deployment_dep_overrides: hide(owner, 'deployment', log.deployment_dep_overrides),
    }),
    defaults: (level, pairs, alsoSecret = []) => {
      const long = alsoSecret.filter((value) => value.length >= minContainedLength)
      return pairs.map(([key, value]): KeyValue => {
        const isHidden = isSecret(key, value) || long.some((secret) => value.includes(secret))
        return isHidden ? [key, references.ofDefault({ level, key })] : [key, value]
      })
    },
  }
}

/** A shorter secret would be found in words that have nothing to do with it. */
const minContainedLength = 4

/** A message of a script without values that its reader may not see. The runner has redacted it by the rules of output. */
export const hideValues = (text: string, values: readonly string[]): string =>
  longestFirst(values).reduce((rest, value) => rest.replaceAll(value, '***'), text)

const longestFirst = (values: readonly string[]): string[] =>
  values.filter((value) => value.length >= minContainedLength).sort((a, b) => b.length - a.length)

/** A link that a script prints may contain a value of the config. */
function hideInLinks(links: Link[], values: readonly string[]): Link[] {
  const forms = values.flatMap((value) => [value, encodeURIComponent(value)])
  const hideIn = (text: string) => hideUrlPasswords(hideValues(text, forms))
  const hidden = links.map(
    ({ name, link, masked_link: masked = link }): Link => ({ name: hideIn(name), link: hideIn(masked) }),
  )
  const isSame = hidden.every(({ name, link }, at) => name === links[at]?.name && link === links[at].link)
  return isSame ? links : hidden
}
