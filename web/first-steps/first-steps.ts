/**
 * In place of a list without deployments: what a deployment is, how to create one, and what the control scripts do. Drawn by
 * list/empty-state.ts.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { defaultNameMaxLength } from '../../domain/deployment-name.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { docPath } from '../help/doc-paths.ts'
import { CopyButton } from '../ui/copy-button.ts'
import { sampleName } from './sample-name.ts'

export function FirstSteps(): VNode {
  const app = useApp()
  const project = /^(octopod)?$/i.test(app.projectName.value) ? 'your project' : app.projectName.value
  return html`<section class="first-steps" aria-labelledby="first-steps">
    <h2 id="first-steps">No deployments yet</h2>
    <ol>
      <li>
        <h3>What a deployment is</h3>
        <p>
          A staging environment of ${project}: a copy of the application that runs for you, under a name and with a config that you
          choose. Production is not affected. <a href=${docPath('guide')} target="_blank" rel="noopener">Read the guide</a>
        </p>
      </li>
      <li>
        <h3>Create the first one</h3>
        <${Create} app=${app} />
      </li>
      <li>
        <h3>What the control scripts do</h3>
        <p>
          Octopod itself changes nothing. Control scripts that your DevOps engineer wrote do the work: they list the config keys with their
          defaults, check a config, create, update and archive a deployment, and see whether it is healthy. When one fails, the
          page shows its words. <a href=${docPath('control-scripts')} target="_blank" rel="noopener">What each script does</a>
        </p>
      </li>
    </ol>
  </section>`
}

function Create({ app }: { app: AppContext }): VNode {
  const { identity, overlay, signInOpen, session } = app
  const refused = identity.refusal('create')
  const isAnonymous = identity.who.value?.proof === 'anonymous'
  const canSignIn = isAnonymous && (session.ways.oidc !== null || session.ways.shared)
  const name = findSampleName(app)
  const open = (name?: string) => () => {
    overlay.value = name === undefined ? { type: 'new-deployment' } : { type: 'new-deployment', name }
  }
  const commands = `${connectCommand(app, isAnonymous)}\n${refused === null ? `octo create ${name ?? 'NAME'} --wait` : 'octo list'}`
  return html`${
    refused === null
      ? html`<p>The form shows every config key with its default. Change what should differ, or nothing.</p>
          <div class="buttons">
            ${name !== null && html`<button type="button" class="primary" onClick=${open(name)}>Create a sample…</button>`}
            <button type="button" onClick=${open()}>New deployment</button>
          </div>`
      : html`<p>You may not create deployments. ${refused}</p>
          ${canSignIn && html`<div class="buttons"><button type="button" class="primary" onClick=${() => (signInOpen.value = true)}>Sign in</button></div>`}`
  }
    <p>Or on a terminal, with <a href=${docPath('ci', 'installing-octo')} target="_blank" rel="noopener">octo</a>:</p>
    <div class="commands">
      <pre tabindex="0" role="region" aria-label="Commands for a terminal">${commands}</pre>
      <${CopyButton} text=${commands} label="Copy the commands" />
    </div>`
}

/** Somebody who works without signing in has nothing to approve a login of octo with. */
const connectCommand = ({ config }: AppContext, isAnonymous: boolean): string =>
  isAnonymous ? `export OCTOPOD_URL=${config.app_url}` : `octo login --url ${config.app_url}`

function findSampleName({ config, identity, store }: AppContext): string | null {
  void store.version.value
  return sampleName({
    patterns: identity.permissions.value?.grants.flatMap(({ names }) => names) ?? [],
    maxLength: config.name_max_length ?? defaultNameMaxLength,
    isPossible: (name) => !store.rows.has(name) && identity.refusal('create', { name }) === null,
  })
}
