import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const cleanupDeployment: Answerer<'cleanupDeployment'> = (services, { param, asker, key }) =>
  accept(services, { kind: 'cleanup', name: param('name'), key, ...asker })
