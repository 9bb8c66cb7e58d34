import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const archiveDeployment: Answerer<'archiveDeployment'> = (services, asked) =>
  accept(services, asked, { kind: 'archive', name: asked.param('name') })
