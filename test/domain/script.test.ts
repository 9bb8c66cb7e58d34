/** The arguments of the control scripts, exactly as in contract §3. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  configArguments,
  configInput,
  configScripts,
  type EffectiveConfig,
  lifecycleArguments,
  lifecycleInput,
  notificationArguments,
  scriptNames,
  scripts,
} from '../../domain/script.ts'

const project = { projectName: 'P', baseDomain: 'D', namespace: 'N' }
const projectPart = ['--project-name', 'P', '--base-domain', 'D', '--namespace', 'N']

suite('arguments', () => {
  test('Lifecycle scripts get project, name, application config, deployment config, in this order', () => {
    const args = lifecycleArguments(project, 'feature-1', {
      application: [
        ['a', '1'],
        ['b.c', 'x=y'],
      ],
      deployment: [['image.tag', '-v\n2']],
    })
    assert.deepEqual(args, [
      ...projectPart,
      ...['--name', 'feature-1'],
      ...['--application-config', 'a=1', '--application-config', 'b.c=x=y'],
      ...['--deployment-config', 'image.tag=-v\n2'],
    ])
  })

  test('An empty config adds no arguments', () => {
    const args = lifecycleArguments(project, 'feature-1', { application: [], deployment: [] })
    assert.deepEqual(args, [...projectPart, '--name', 'feature-1'])
  })

  test('Config scripts of the deployment level get the project, those of the application level also the deployment config', () => {
    const deployment: [string, string][] = [['k', 'v']]
    for (const script of configScripts)
      assert.deepEqual(
        configArguments(script, project, deployment),
        script.startsWith('application') ? [...projectPart, '--deployment-config', 'k=v'] : projectPart,
      )
  })

  test('The notifications script gets both statuses', () => {
    assert.deepEqual(notificationArguments(project, 'feature-1', 'Running', 'TagMismatch'), [
      ...projectPart,
      ...['--name', 'feature-1', '--old-status', 'Running', '--new-status', 'TagMismatch'],
    ])
  })

  test('Every value is one argument that a script can split at the first =', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const args = lifecycleArguments(project, 'x1', { application: [['key', value]], deployment: [] })
        const argument = args.at(-1) ?? ''
        assert.equal(args.length, 10)
        assert.equal(argument.slice(argument.indexOf('=') + 1), value)
      }),
    )
  })
})

suite('scripts', () => {
  test('The settings of the paths are those of Octopod 1.6, and one of the later app_logs', () => {
    const names = scriptNames.map((name) => scripts[name].setting)
    assert.deepEqual(names, [
      'INIT_COMMAND',
      'CREATION_COMMAND',
      'UPDATE_COMMAND',
      'ARCHIVE_COMMAND',
      'UNARCHIVE_COMMAND',
      'CHECKING_COMMAND',
      'ARCHIVE_CHECKING_COMMAND',
      'CLEANUP_COMMAND',
      'CONFIG_CHECKING_COMMAND',
      'INFO_COMMAND',
      'APP_LOGS_COMMAND',
      'NOTIFICATION_COMMAND',
      'DEPLOYMENT_CONFIG_COMMAND',
      'DEPLOYMENT_KEYS_COMMAND',
      'APPLICATION_CONFIG_COMMAND',
      'APPLICATION_KEYS_COMMAND',
    ])
  })

  test('The config scripts have the file names of the published images as aliases', () => {
    assert.deepEqual(
      configScripts.map((name) => scripts[name].alias),
      ['deployment_overrides', 'deployment_keys', 'app_overrides', 'app_keys'],
    )
  })

  test('Only init, app_logs and notifications are optional', () => {
    assert.deepEqual(
      scriptNames.filter((name) => scripts[name].optional),
      ['init', 'app_logs', 'notifications'],
    )
  })
})

suite('input with config: file', () => {
  const config: EffectiveConfig = { application: [['a', '1']], deployment: [['b', '2']] }

  test('No value is in the arguments of a lifecycle script, and the file has the whole config', () => {
    assert.deepEqual(lifecycleInput({ config: 'file' }, project, 'feature-1', config), {
      args: [...projectPart, '--name', 'feature-1'],
      configFile: config,
    })
    assert.deepEqual(lifecycleInput({ config: 'argv' }, project, 'feature-1', config), {
      args: lifecycleArguments(project, 'feature-1', config),
      configFile: null,
    })
  })

  test('Only the config scripts that receive a config get a file', () => {
    for (const script of configScripts)
      assert.deepEqual(configInput({ config: 'file' }, script, project, config.deployment), {
        args: projectPart,
        configFile: script.startsWith('application_config')
          ? { application: [], deployment: config.deployment }
          : null,
      })
  })
})
