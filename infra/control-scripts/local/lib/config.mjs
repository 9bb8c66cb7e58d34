/**
 * Defaults, keys and validation of both config levels. The application level depends on the deployment level: a shop
 * has more keys than a page. Called by the config scripts, config_check and lifecycle.mjs.
 */

/** The available releases, by tag. `broken` and `crash` demonstrate failures. */
const releases = {
  v1: 'counts visits',
  v2: 'counts visits and shows its uptime',
  v3: 'counts visits and shows its uptime and the replica',
  broken: 'starts, but answers every request with an error',
  crash: 'ends right after its start',
}

const kinds = ['page', 'shop']
const limits = { 'app.replicas': [1, 5], 'app.start-seconds': [0, 600], 'shop.items': [0, 100] }

export const deploymentDefaults = [
  ['app.kind', 'page'],
  ['app.replicas', '1'],
  ['app.start-seconds', '0'],
]
export const deploymentKeys = deploymentDefaults.map(([key]) => key)

/** An unknown kind gets the common defaults; config_check reports the problem. */
export function applicationDefaults(deployment) {
  const common = [
    ['image.tag', 'v1'],
    ['greeting', 'Hello, world'],
    ['color', '#2b6cb0'],
  ]
  const shop = [
    ['shop.currency', 'EUR'],
    ['shop.items', '3'],
  ]
  return deployment.get('app.kind') === 'shop' ? [...common, ...shop] : common
}

/** All keys. `banner` has no default. */
export function applicationKeys(deployment) {
  return [...applicationDefaults(deployment).map(([key]) => key), 'banner']
}

/** All problems of an effective config, one sentence each. Unknown keys are allowed. */
export function configProblems({ application, deployment }) {
  const tag = application.get('image.tag')
  const kind = deployment.get('app.kind')
  const color = application.get('color')
  const known = Object.keys(releases).join(', ')
  return [
    tag === undefined && `image.tag is not set. Known tags: ${known}.`,
    tag !== undefined &&
      !Object.hasOwn(releases, tag) &&
      `There is no image with the tag ${quoteShort(tag)}. Known tags: ${known}.`,
    kind !== undefined &&
      !kinds.includes(kind) &&
      `app.kind ${quoteShort(kind)} is not one of ${kinds.join(', ')}.`,
    color !== undefined &&
      !isColor(color) &&
      `color ${quoteShort(color)} is not a color like #2b6cb0 or teal.`,
    ...Object.entries(limits).map(([key, [min, max]]) => {
      const value = deployment.get(key) ?? application.get(key)
      if (value === undefined || (/^\d{1,6}$/.test(value) && Number(value) >= min && Number(value) <= max))
        return false
      return `${key} ${quoteShort(value)} is not a whole number from ${min} to ${max}.`
    }),
  ].filter(Boolean)
}

export function isColor(text) {
  return /^(#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]{3,25})$/i.test(text)
}

/** The number of processes of the deployment. */
export function replicasOf(deployment) {
  return Number(deployment.get('app.replicas') ?? 1)
}

function quoteShort(value) {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}
