import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const updateDeployment: Answerer<'updateDeployment'> = (services, { param, body, asker, key }) =>
  accept(services, {
    kind: 'update',
    name: param('name'),
    overrides: { app: body.app_overrides, deployment: body.deployment_overrides },
    key,
    ...asker,
  })
