/** Golden files: what an installation's manifests are, in an order that does not hang on Helm's. */
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import type { Manifest } from './helm.ts'

/** The kept text and the one of these manifests; with UPDATE_GOLDEN=1 what is kept is written anew first. */
export function compareWithGolden(name: string, manifests: Manifest[]): { kept: string; now: string } {
  const file = new URL(`golden/${name}.yaml`, import.meta.url)
  const keyOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`
  const sorted = [...manifests].sort((one, other) => keyOf(one).localeCompare(keyOf(other), 'en'))
  const now = sorted
    .map((manifest) =>
      stringify(manifest, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false }),
    )
    .join('---\n')
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, now)
  return { kept: readFileSync(file, 'utf8'), now }
}
