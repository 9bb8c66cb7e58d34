/** The page of the app. Everything configured may hold anything, so everything is escaped. */
import { isColor } from './config.mjs'

export function page({ project, name, application, deployment, tag, visits, replica, upSeconds }) {
  const values = new Map(application)
  const color = isColor(values.get('color') ?? '') ? values.get('color') : 'gray'
  const kind = new Map(deployment).get('app.kind')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(name)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #222; overflow-wrap: anywhere }
  header { background: ${color}; color: #fff; padding: 1rem 2rem; text-shadow: 0 0 3px #000 }
  main { padding: 1rem 2rem; max-width: 50rem }
  th { text-align: left; vertical-align: top; padding-right: 2rem; font-weight: normal; color: #555 }
  td { white-space: pre-wrap }
</style>
<header><h1>${escaped(name)}</h1>${escaped(values.get('greeting') ?? '')}</header>
<main>
${values.has('banner') ? `<p><strong>${escaped(values.get('banner'))}</strong></p>` : ''}
<p>A ${escaped(kind ?? 'page')} of ${escaped(project)}, release ${escaped(tag)}. Visits: <b id="visits">${visits}</b>.
${tag === 'v1' ? '' : `Up for ${Math.round(upSeconds)} s.`} ${tag === 'v3' ? `Replica ${escaped(replica)} answers.` : ''}</p>
${table('Application config', application)}
${table('Deployment config', deployment)}
</main>
</html>
`
}

function table(title, pairs) {
  const rows = pairs.map(([key, value]) => `<tr><th>${escaped(key)}</th><td>${escaped(value)}</td></tr>`)
  return `<h2>${title}</h2>\n<table>\n${rows.join('\n')}\n</table>`
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
