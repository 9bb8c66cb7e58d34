/** The part of the endpoint table about labels and about many deployments at once. Part of api-schema.ts. */
import { type Endpoint, endpoints } from '../endpoints.ts'
import { success } from '../schemas.ts'
import { bulkBody } from './bulk-schemas.ts'
import { labelsBody } from './label-schemas.ts'

export const changeEndpoints = {
  changeLabels: {
    ...endpoints.changeLabels,
    right: 'label',
    since: '2.0',
    summary: 'Set and remove labels of a deployment, and its title',
    body: labelsBody,
    response: success,
    errors: ['bad_request', 'no_such_deployment', 'idempotency_key_reused'],
  },
  changeMany: {
    ...endpoints.changeMany,
    right: 'read',
    since: '2.0',
    summary: 'The same change for many deployments; each is accepted or refused by itself',
    body: bulkBody,
    response: 'lines',
    errors: ['bad_request', 'idempotency_key_reused', 'shutting_down'],
  },
} as const satisfies Record<string, Endpoint>
