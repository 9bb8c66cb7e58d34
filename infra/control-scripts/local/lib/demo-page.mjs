/** Renders the HTML page of the demo app. All config values are escaped. Called by demo-app.mjs. */
import { isColor } from './config.mjs'

export function renderPage({ project, name, application, deployment, tag, visits, replica, upSeconds }) {
  const values = new Map(application)
  const color = isColor(values.get('color') ?? '') ? values.get('color') : 'gray'
  const kind = new Map(deployment).get('app.kind')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(name)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #222; overflow-wrap: anywhere }
  header { background: ${color}; color: #fff; padding: 1rem 2rem; text-shadow: 0 0 3px #000 }
  main { padding: 1rem 2rem; max-width: 50rem }
  th { text-align: left; vertical-align: top; padding-right: 2rem; font-weight: normal; color: #555 }
  td { white-space: pre-wrap }
</style>
<header><h1>${escapeHtml(name)}</h1>${escapeHtml(values.get('greeting') ?? '')}</header>
<main>
${values.has('banner') ? `<p><strong>${escapeHtml(values.get('banner'))}</strong></p>` : ''}
<p>A ${escapeHtml(kind ?? 'page')} of ${escapeHtml(project)}, release ${escapeHtml(tag)}. Visits: <b id="visits">${visits}</b>.
${tag === 'v1' ? '' : `Up for ${Math.round(upSeconds)} s.`} ${tag === 'v3' ? `Replica ${escapeHtml(replica)} answers.` : ''}</p>
${table('Application config', application)}
${table('Deployment config', deployment)}
</main>
</html>
`
}

function table(title, pairs) {
  const rows = pairs.map(
    ([key, value]) => `<tr><th>${escapeHtml(key)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  return `<h2>${title}</h2>\n<table>\n${rows.join('\n')}\n</table>`
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
