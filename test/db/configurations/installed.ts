/** Says why a test is skipped whose server is not installed. `.ci/run` installs all of them. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The reason to skip; false when all programs are there. */
export function missingPrograms(...programs: string[]): string | false {
  const missing = programs.filter((program) => findProgram(program) === null)
  return missing.length > 0 && `not installed: ${missing.join(', ')}`
}

export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null
}
