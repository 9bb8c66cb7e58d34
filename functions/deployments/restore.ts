import type { Answerer } from '../route.ts'
import { accept } from './accept.ts'

export const restoreDeployment: Answerer<'restoreDeployment'> = (services, asked) =>
  accept(services, asked, { kind: 'restore', name: asked.param('name') })
