/** Each mutant still matches the source code, so that a rename does not go unnoticed until the mutation run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from '../architecture/repository.ts'
import { accessMutants } from './access-mutants.ts'
import { mutants } from './mutants.ts'

for (const [name, { file, search }] of Object.entries({ ...mutants, ...accessMutants }))
  test(`The search of the mutant "${name}" occurs exactly once in ${file}`, () => {
    assert.equal(read(file).split(search).length - 1, 1)
  })
