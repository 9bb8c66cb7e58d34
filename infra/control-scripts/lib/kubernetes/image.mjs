/**
 * Parses and validates image names. The API server accepts any text, and the error would appear only when the image is
 * pulled.
 */

const imagePattern = /^[\w.-]+(:\d+)?(\/[\w.-]+)*(:\w[\w.-]{0,127})?(@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/

/** The digest of `repo:tag@digest` if there is one, else the tag. */
export function tagOf(image) {
  const [name, digest] = image.split('@')
  if (digest !== undefined) return digest
  const last = name.split('/').at(-1)
  return last.includes(':') ? last.slice(last.indexOf(':') + 1) : 'latest'
}

/** → [{ key, message }]: invalid image names, each with the config key whose value is in it. */
export function imageProblems({ workloads }, pairs) {
  return workloads.flatMap(({ kind, name, images }) =>
    Object.values(images)
      .filter((image) => !imagePattern.test(image))
      .map((image) => ({
        message: `${kind} ${name}: ${JSON.stringify(image)} is not the name of an image.`,
        key: pairs.find(([, text]) => /[^\w.-]/.test(text) && image.includes(text))?.[0] ?? null,
      })),
  )
}
