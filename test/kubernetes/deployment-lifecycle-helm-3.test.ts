/** The lifecycle of deployments with Helm 3, which many installations still use. */
import { describe } from 'node:test'
import { helms } from './cluster.ts'
import { deploymentLifecycle } from './deployment-lifecycle.ts'

const [, helm = 'helm3'] = helms
const skip = helms.length < 2 && 'an external cluster is tested with one helm only'

describe(`the lifecycle of deployments with ${helm}`, { skip }, () => deploymentLifecycle(helm))
