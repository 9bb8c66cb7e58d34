/** Finding the control scripts: folder, aliases, settings, and one message for all problems. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { type ScriptName, scriptNames, scripts } from '../../../domain/script.ts'
import { readSettings, SettingsError } from '../../../domain/settings/read-settings.ts'
import { findScripts } from '../../../runner/scripts/find-scripts.ts'

const requiredScripts = scriptNames.filter((name) => !scripts[name].optional)

const readRunnerSettings = (environment: Record<string, string>) =>
  readSettings('runner', { DATABASE_URL: 'postgres://nowhere', REDIS_URL: 'redis://nowhere', ...environment })

function scriptFolder(t: TestContext, files: readonly string[]): string {
  const path = mkdtempSync(join(tmpdir(), 'octopod-scripts-'))
  t.after(() => rmSync(path, { recursive: true }))
  for (const file of files) writeFileSync(join(path, file), '#!/bin/sh\n', { mode: 0o755 })
  return path
}

suite('Control scripts', () => {
  test('are found in their folder; optional ones may be missing', (t) => {
    const path = scriptFolder(t, requiredScripts)
    const found = findScripts(readRunnerSettings({ CONTROL_SCRIPTS_DIR: path }))
    for (const name of requiredScripts) assert.equal(found.path(name), join(path, name))
    assert.equal(found.path('init'), null)
    assert.equal(found.path('notifications'), null)
  })

  test('are found under the names they have in the published images', (t) => {
    const path = scriptFolder(
      t,
      requiredScripts.map((name) => scripts[name].alias ?? name),
    )
    const found = findScripts(readRunnerSettings({ CONTROL_SCRIPTS_DIR: path }))
    assert.equal(found.path('application_config_keys'), join(path, 'app_keys'))
    assert.equal(found.path('deployment_config'), join(path, 'deployment_overrides'))
  })

  test('can be set one by one; the setting wins over the folder', (t) => {
    const path = scriptFolder(t, [...requiredScripts, 'other'])
    const other = join(path, 'other')
    const found = findScripts(
      readRunnerSettings({ CONTROL_SCRIPTS_DIR: path, INFO_COMMAND: other, NOTIFICATION_COMMAND: other }),
    )
    assert.equal(found.path('info'), other)
    assert.equal(found.path('notifications'), other)
    assert.equal(found.path('create'), join(path, 'create'))
    const all = Object.fromEntries(requiredScripts.map((name) => [scripts[name].setting, other]))
    assert.equal(findScripts(readRunnerSettings(all)).path('check'), other)
  })

  test('that are missing or not executable are all named in one message', (t) => {
    const path = scriptFolder(
      t,
      requiredScripts.filter((name: ScriptName) => name !== 'check' && name !== 'application_config'),
    )
    chmodSync(join(path, 'create'), 0o644)
    rmSync(join(path, 'info'))
    mkdirSync(join(path, 'info'))
    const message = settingsErrorMessage({ CONTROL_SCRIPTS_DIR: path, NOTIFICATION_COMMAND: '/no/such/file' })
    assert.match(message, /the check script does not exist: \S+\/check$/m)
    assert.match(
      message,
      /the application_config script does not exist: \S+\/application_config or \S+\/app_overrides$/m,
    )
    assert.match(
      message,
      /the create script is not an executable file: \S+\/create \(make it executable with chmod \+x\)$/m,
    )
    assert.match(message, /the info script is not an executable file: \S+\/info \(it is a folder\)$/m)
    assert.match(
      message,
      /the notifications script does not exist: \/no\/such\/file \(NOTIFICATION_COMMAND\)$/m,
    )
    assert.equal(message.split('\n').length, 5)
  })

  test('without a setting or with a missing folder cause one clear message', () => {
    assert.match(
      settingsErrorMessage({}),
      /CONTROL_SCRIPTS_DIR is not set: set it to the folder .* CREATION_COMMAND, UPDATE_COMMAND/,
    )
    const message = settingsErrorMessage({ CONTROL_SCRIPTS_DIR: '/no/such/folder' })
    assert.match(message, /CONTROL_SCRIPTS_DIR is \/no\/such\/folder, which is not a folder/)
    assert.doesNotMatch(message, /the create script/)
    assert.match(settingsErrorMessage({ INFO_COMMAND: '/no/such/file' }), /the info script does not exist/)
  })

  test('have the manifest of 1.6 without octopod.yaml, and the one in it otherwise', (t) => {
    const path = scriptFolder(t, requiredScripts)
    const find = () => findScripts(readRunnerSettings({ CONTROL_SCRIPTS_DIR: path }))
    assert.deepEqual(find().manifest, { onePipe: false, marksSecretKeys: false, config: 'argv' })
    writeFileSync(join(path, 'octopod.yaml'), 'version: 1\n')
    assert.deepEqual(find().manifest, { onePipe: false, marksSecretKeys: false, config: 'argv' })
    writeFileSync(join(path, 'octopod.yaml'), 'version: 1\none_pipe: true\nconfig: file\nlater: 3\n')
    assert.deepEqual(find().manifest, { onePipe: true, marksSecretKeys: false, config: 'file' })
  })

  for (const [text, problem] of [
    ['', 'it must be a mapping with the line "version: 1"'],
    ['one_pipe: true', 'version must be 1, the only one that this Octopod knows'],
    ['version: 2', 'version must be 1, the only one that this Octopod knows'],
    ['version: 1\none_pipe: maybe', 'one_pipe must be true or false'],
    ['version: 1\nconfig: env', 'config must be argv or file'],
    ['version: 1\nversion: 1', 'Map keys must be unique at line 2, column 1'],
    ['a: [1', 'Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ] as const)
    test(`with the manifest ${JSON.stringify(text)} are refused in one sentence`, (t) => {
      const path = scriptFolder(t, requiredScripts)
      writeFileSync(join(path, 'octopod.yaml'), text)
      const message = settingsErrorMessage({ CONTROL_SCRIPTS_DIR: path })
      const expected = `Control scripts: the manifest ${path}/octopod.yaml is invalid: ${problem}`
      assert.ok(message.startsWith(expected), message)
      assert.equal(message.split('\n').length, 1)
    })

  function settingsErrorMessage(environment: Record<string, string>): string {
    try {
      findScripts(readRunnerSettings(environment))
    } catch (error) {
      assert.ok(error instanceof SettingsError)
      return error.message
    }
    throw new assert.AssertionError({ message: 'findScripts did not throw' })
  }
})
