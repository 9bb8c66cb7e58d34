/**
 * Part of `npm run check`: checks tag names, attributes and the props of components in the html templates of the page. Prints
 * each problem with its file and line; the exit code is 1 when there is one.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Project } from 'ts-morph'
import { checkTemplates } from './typed-templates.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const problems = checkTemplates(new Project({ tsConfigFilePath: join(root, 'tsconfig.browser.json') }), root)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
