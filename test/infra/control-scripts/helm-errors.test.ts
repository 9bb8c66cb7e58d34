/** The errors of helm become one short sentence for each object, with the object and the field first. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from './control-scripts.ts'

const { shortHelmError, foreignObjectMessage } = await importModule<{
  shortHelmError(text: string): string
  foreignObjectMessage(text: string): string | null
}>('helm/lib/helm-errors.mjs')

const statefulSet =
  'cannot patch "shop-store" with kind StatefulSet: StatefulSet.apps "shop-store" is invalid: spec: Forbidden: updates to ' +
  "statefulset spec for fields other than 'replicas', 'ordinals', 'template' and 'minReadySeconds' are forbidden"
const job =
  'cannot patch "shop-job" with kind Job: Job.batch "shop-job" is invalid: spec.template: Invalid value: ' +
  'core.PodTemplateSpec{ObjectMeta:v1.ObjectMeta{Name:"", Labels:map[string]string{"a":"b"}}, Spec:core.PodSpec{}}: field is immutable'

const cases: [string, string, string][] = [
  [
    'two fields that cannot change',
    `Error: UPGRADE FAILED: ${statefulSet} && ${job}\n`,
    'StatefulSet shop-store: spec: it cannot change after the object was created\n' +
      'Job shop-job: spec.template: it cannot change after the object was created',
  ],
  [
    'warnings and the log of Helm 4 before the same error',
    `level=WARN msg="upgrade failed" name=shop error="${job.slice(0, 40)}"\nError: UPGRADE FAILED: ${job}\n`,
    'Job shop-job: spec.template: it cannot change after the object was created',
  ],
  [
    'a hook',
    'Error: INSTALLATION FAILED: failed pre-install: 1 error occurred:\n\t* timed out waiting for the condition\n\n\n',
    'failed pre-install: timed out waiting for the condition',
  ],
  [
    'advice about options',
    'Error: execution error at (shop/templates/web.yaml:3:4): image.tag is required\n\nUse --debug flag to render out invalid YAML\n',
    'execution error at (shop/templates/web.yaml:3:4): image.tag is required',
  ],
  ['an error without the usual prefix', 'something else\nhappened', 'something else happened'],
]
for (const [title, text, expected] of cases)
  test(`helm's errors: ${title}`, () => assert.equal(shortHelmError(text), expected))

test('A long error is cut', () => assert.equal(shortHelmError(`Error: ${'x'.repeat(5000)}`).length, 601))

test('An object of another release is named with its owner', () => {
  const message = (details: string) =>
    'Unable to continue with install: CustomResourceDefinition "widgets.x.org" in namespace "" exists and cannot be imported ' +
    `into the current release: invalid ownership metadata; ${details}`
  assert.equal(
    foreignObjectMessage(
      message(
        'annotation validation error: key "meta.helm.sh/release-name" must equal "b": current value is "a"',
      ),
    ),
    'CustomResourceDefinition widgets.x.org exists already and belongs to the release a, so this deployment cannot have it.',
  )
  assert.match(
    foreignObjectMessage(message('label validation error: missing key "app.kubernetes.io/managed-by"')) ?? '',
    /^CustomResourceDefinition widgets\.x\.org exists already and was not made by helm/,
  )
  assert.equal(foreignObjectMessage('Error: no'), null)
})
