/** The lifecycle of deployments with Helm 4, or with the helm of this machine on an external cluster. */
import { describe } from 'node:test'
import { helms } from './cluster.ts'
import { deploymentLifecycle } from './deployment-lifecycle.ts'

const [helm = 'helm'] = helms

describe(`the lifecycle of deployments with ${helm}`, () => deploymentLifecycle(helm))
