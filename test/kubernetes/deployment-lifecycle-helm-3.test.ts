/** With the helm that many installations still have. */
import { describe } from 'node:test'
import { helms } from './cluster.ts'
import { deploymentLifecycle } from './deployment-lifecycle.ts'

const [, helm = 'helm3'] = helms
const skip = helms.length < 2 && 'the cluster is not ours: only its helm is known'

describe(`the life of deployments with ${helm}`, { skip }, () => deploymentLifecycle(helm))
