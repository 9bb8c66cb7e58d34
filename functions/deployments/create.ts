import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const createDeployment: Answerer<'createDeployment'> = (services, asked) =>
  accept(services, asked, {
    kind: 'create',
    name: asked.body.name,
    overrides: { app: asked.body.app_overrides, deployment: asked.body.deployment_overrides },
  })
