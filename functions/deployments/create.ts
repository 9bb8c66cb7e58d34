import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const createDeployment: Answerer<'createDeployment'> = (services, { body, asker, key }) =>
  accept(services, {
    kind: 'create',
    name: body.name,
    overrides: { app: body.app_overrides, deployment: body.deployment_overrides },
    key,
    ...asker,
  })
