/** Update: the whole new set of overrides, refused when the set it is based on has changed meanwhile. */
import { Refusal } from '../../domain/errors.ts'
import { headers } from '../../domain/places.ts'
import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const updateDeployment: Answerer<'updateDeployment'> = (services, asked) =>
  accept(services, asked, {
    kind: 'update',
    name: asked.param('name'),
    overrides: { app: asked.body.app_overrides, deployment: asked.body.deployment_overrides },
    revision: revisionOf(asked.header(headers.ifMatch)),
  })

/** The revision that the sender has read; `*` stands for any. */
function revisionOf(tag: string | undefined): number | undefined {
  if (tag === undefined || tag.trim() === '*') return undefined
  const [, revision] = /^\s*"(\d{1,15})"\s*$/.exec(tag) ?? []
  if (revision !== undefined) return Number(revision)
  throw new Refusal(
    'bad_request',
    'If-Match takes the revision of the deployment in quotes, as in If-Match: "1207".',
  )
}
