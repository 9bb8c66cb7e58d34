/** Golden files with the rendered manifests, in an order that does not depend on Helm. Used by chart-suite.ts and write-golden.ts. */
import { stringify } from 'yaml'
import type { Helm, Manifest } from './helm.ts'
import { production, trial } from './sample-values.ts'

export const goldenFile = (name: string) => new URL(`golden/${name}.yaml`, import.meta.url)

/** Name → text of each golden file, as this Helm renders it. */
export function renderGolden(helm: Helm): Record<string, string> {
  return {
    trial: toText(helm.render(trial, 'values-trial.yaml')),
    production: toText(helm.render(production)),
  }
}

function toText(manifests: readonly Manifest[]): string {
  const sortKey = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`
  return manifests
    .toSorted((first, second) => sortKey(first).localeCompare(sortKey(second), 'en'))
    .map((manifest) =>
      stringify(manifest, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false }),
    )
    .join('---\n')
}
