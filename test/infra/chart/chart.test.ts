/** Octopod's chart, with whatever Helm this machine has; a cluster is not needed (test/kubernetes/chart.test.ts uses one). */
import { test } from 'node:test'
import { chartSuite } from './chart-suite.ts'
import { createHelm, findHelm } from './helm.ts'

const program = findHelm()
if (program !== null) chartSuite('the chart', createHelm(program))
else
  test("Octopod's chart was not checked: there is no helm on the PATH", {
    skip: 'npm run test:kubernetes brings one',
  })
