/**
 * Tests Octopod's chart with the helm of this machine, without a cluster. test/kubernetes/chart.test.ts uses a cluster.
 */
import { test } from 'node:test'
import { chartSuite } from './chart-suite.ts'
import { createHelm, findHelm } from './helm.ts'

const program = findHelm()
if (program !== null) chartSuite('the chart', createHelm(program))
else
  test("Octopod's chart is not tested, because helm is not on the PATH", {
    skip: 'npm run test:kubernetes builds one',
  })
