/** Golden files with the rendered manifests, in an order that does not depend on Helm. */
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import type { Manifest } from './helm.ts'

/** → the text of the golden file and of these manifests. With UPDATE_GOLDEN=1 the golden file is written first. */
export function compareWithGolden(name: string, manifests: Manifest[]): { expected: string; actual: string } {
  const file = new URL(`golden/${name}.yaml`, import.meta.url)
  const sortKey = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`
  const sorted = [...manifests].sort((first, second) => sortKey(first).localeCompare(sortKey(second), 'en'))
  const actual = sorted
    .map((manifest) =>
      stringify(manifest, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false }),
    )
    .join('---\n')
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, actual)
  return { expected: readFileSync(file, 'utf8'), actual }
}
