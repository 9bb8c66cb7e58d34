/** With the first helm of this machine: Helm 4 where the tools are ours. */
import { describe } from 'node:test'
import { helms } from './cluster.ts'
import { deploymentLifecycle } from './deployment-lifecycle.ts'

const [helm = 'helm'] = helms

describe(`the life of deployments with ${helm}`, () => deploymentLifecycle(helm))
