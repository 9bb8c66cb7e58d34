import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { submitAction } from './submit-action.ts'

export const createDeployment: EndpointHandler<'createDeployment'> = (services, asked) =>
  submitAction(services, asked, {
    kind: 'create',
    name: asked.body.name,
    overrides: { app: asked.body.app_overrides, deployment: asked.body.deployment_overrides },
  })
