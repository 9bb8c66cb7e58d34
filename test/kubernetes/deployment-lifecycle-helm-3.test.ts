/** The lifecycle of deployments with Helm 3, which many installations still use. */
import { describe } from 'node:test'
import { helmOfVersion } from './cluster.ts'
import { deploymentLifecycle } from './deployment-lifecycle.ts'

const helm = helmOfVersion('3')
const skip = helm === undefined && 'this machine has no Helm 3 (helm3)'

describe('the lifecycle of deployments with Helm 3', { skip }, () => deploymentLifecycle(helm ?? 'helm3'))
