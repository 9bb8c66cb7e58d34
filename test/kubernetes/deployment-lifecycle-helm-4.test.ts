/** The lifecycle of deployments with Helm 4. */
import { describe } from 'node:test'
import { helmOfVersion } from './cluster.ts'
import { deploymentLifecycle } from './deployment-lifecycle.ts'

const helm = helmOfVersion('4')
const skip = helm === undefined && 'this machine has no Helm 4 (helm, or HELM_BIN)'

describe('the lifecycle of deployments with Helm 4', { skip }, () => deploymentLifecycle(helm ?? 'helm'))
