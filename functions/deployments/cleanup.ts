import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const cleanupDeployment: Answerer<'cleanupDeployment'> = (services, asked) =>
  accept(services, asked, { kind: 'cleanup', name: asked.param('name') })
