/** Update: the whole new set of overrides, refused when the set it is based on has changed meanwhile. */

import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { submitAction } from './submit-action.ts'

export const updateDeployment: EndpointHandler<'updateDeployment'> = (services, asked) =>
  submitAction(services, asked, {
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
  throw new ApiError(
    'bad_request',
    'If-Match takes the revision of the deployment in quotes, as in If-Match: "1207".',
  )
}
