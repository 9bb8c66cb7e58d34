import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const archiveDeployment: Answerer<'archiveDeployment'> = (services, { param, asker, key }) =>
  accept(services, { kind: 'archive', name: param('name'), key, ...asker })
