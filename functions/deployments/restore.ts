import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const restoreDeployment: Answerer<'restoreDeployment'> = (services, { param, asker, key }) =>
  accept(services, { kind: 'restore', name: param('name'), key, ...asker })
