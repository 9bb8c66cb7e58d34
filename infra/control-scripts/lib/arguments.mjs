/** Answers what a script was called with. Values may hold anything: newlines, quotes, a leading `-`. */

/** A sentence for the person who reads the output. */
export class Refusal extends Error {}

const single = ['project-name', 'base-domain', 'namespace', 'name', 'old-status', 'new-status']
const namePattern = /^[a-z][a-z0-9-]{1,15}$/

/** → { 'project-name', …, application: Map, deployment: Map }. @throws Refusal */
export function parseArguments(words, needed) {
  const request = { application: new Map(), deployment: new Map() }
  for (let at = 0; at < words.length; at += 2) {
    const option = words[at].startsWith('--') ? words[at].slice(2) : null
    const value = words[at + 1]
    if (value === undefined) throw new Refusal(`${words[at]} has no value.`)
    if (option === 'application-config') setPair(request.application, words[at], value)
    else if (option === 'deployment-config') setPair(request.deployment, words[at], value)
    else if (single.includes(option)) request[option] = value
    else throw new Refusal(`${JSON.stringify(words[at])} is not an option of this script.`)
  }
  for (const option of needed) {
    if (request[option] === undefined) throw new Refusal(`--${option} is missing.`)
  }
  if (needed.includes('name') && !namePattern.test(request.name))
    throw new Refusal(`--name ${JSON.stringify(request.name)} is not the name of a deployment.`)
  return request
}

function setPair(config, option, word) {
  const at = word.indexOf('=')
  if (at < 1) throw new Refusal(`${option} ${JSON.stringify(word)} is not KEY=VALUE.`)
  config.set(word.slice(0, at), word.slice(at + 1))
}
