/** Names of images: their tag, and whether they are names at all; the cluster takes any text and finds out when it pulls. Pure. */

const pattern = /^[\w.-]+(:\d+)?(\/[\w.-]+)*(:\w[\w.-]{0,127})?(@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/

/** `repo:tag@digest` → the digest where there is one, else the tag. */
export function tagOf(image) {
  const [name, digest] = image.split('@')
  if (digest !== undefined) return digest
  const last = name.split('/').at(-1)
  return last.includes(':') ? last.slice(last.indexOf(':') + 1) : 'latest'
}

/** → [{ key, says }]: images that no registry could have, with the key whose value is in them. */
export function imageProblems({ workloads }, pairs) {
  return workloads.flatMap(({ kind, name, images }) =>
    Object.values(images)
      .filter((image) => !pattern.test(image))
      .map((image) => ({
        says: `${kind} ${name}: ${JSON.stringify(image)} is not the name of an image.`,
        key: pairs.find(([, text]) => /[^\w.-]/.test(text) && image.includes(text))?.[0] ?? null,
      })),
  )
}
