/**
 * The two levels of config: their defaults, the keys that may be set, and what is wrong with a config.
 * The application level depends on the deployment level: a shop has more to configure than a page.
 */

/** What there is to deploy. `broken` and `crash` are for trying out what failures look like. */
export const releases = {
  v1: 'counts visits',
  v2: 'counts visits and says how long it has been up',
  v3: 'counts visits, says how long it has been up and which replica answers',
  broken: 'starts, and answers every request with an error',
  crash: 'ends as soon as it is started',
}

const kinds = ['page', 'shop']
const limits = { 'app.replicas': [1, 5], 'app.start-seconds': [0, 600], 'shop.items': [0, 100] }

export const deploymentDefaults = [
  ['app.kind', 'page'],
  ['app.replicas', '1'],
  ['app.start-seconds', '0'],
]
export const deploymentKeys = deploymentDefaults.map(([key]) => key)

/** An unknown kind gets what every kind has: config_check then says what is wrong with it. */
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

/** `banner` has no default: it is there for those who set it. */
export function applicationKeys(deployment) {
  return [...applicationDefaults(deployment).map(([key]) => key), 'banner']
}

/** Everything wrong with an effective config, a sentence each. Unknown keys are the app's affair. */
export function configProblems({ application, deployment }) {
  const tag = application.get('image.tag')
  const kind = deployment.get('app.kind')
  const color = application.get('color')
  const known = Object.keys(releases).join(', ')
  return [
    tag === undefined && `image.tag is not set. Known tags: ${known}.`,
    tag !== undefined &&
      !Object.hasOwn(releases, tag) &&
      `There is no image with the tag ${shown(tag)}. Known tags: ${known}.`,
    kind !== undefined &&
      !kinds.includes(kind) &&
      `app.kind ${shown(kind)} is not one of ${kinds.join(', ')}.`,
    color !== undefined &&
      !isColor(color) &&
      `color ${shown(color)} is neither like #2b6cb0 nor a name like teal.`,
    ...Object.entries(limits).map(([key, [least, most]]) => {
      const value = deployment.get(key) ?? application.get(key)
      if (value === undefined || (/^\d{1,6}$/.test(value) && Number(value) >= least && Number(value) <= most))
        return false
      return `${key} ${shown(value)} is not a whole number from ${least} to ${most}.`
    }),
  ].filter(Boolean)
}

export function isColor(text) {
  return /^(#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]{3,25})$/i.test(text)
}

/** How many processes the deployment consists of. */
export function replicasOf(deployment) {
  return Number(deployment.get('app.replicas') ?? 1)
}

function shown(value) {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}
