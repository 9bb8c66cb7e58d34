/** The import depth of octo: a reader follows at most this many files from its start to the last import. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, sources } from './repository.ts'

const maxDepth = 9

test(`The longest chain of imports inside octo has at most ${maxDepth} files`, () => {
  const imports = new Map(
    sources()
      .filter((path) => path.startsWith('octo/'))
      .map((path) => [path, importsOf(path).flatMap(({ kind, to }) => (kind === 'file' ? to : []))]),
  )
  const longest = new Map<string, readonly string[]>()
  const longestChain = (path: string): readonly string[] => {
    const known = longest.get(path)
    if (known !== undefined) return known
    const chains = (imports.get(path) ?? []).filter((to) => imports.has(to)).map(longestChain)
    const chain = [path, ...(chains.toSorted((one, other) => other.length - one.length)[0] ?? [])]
    longest.set(path, chain)
    return chain
  }
  const chain = longestChain('octo/main.ts')
  assert.ok(chain.length <= maxDepth, `${chain.length} files: ${chain.join(' → ')}`)
})
