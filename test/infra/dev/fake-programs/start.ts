/** `npm start` with fake programs. Everything else is real. */
import { join } from 'node:path'
import { main } from '../../../../infra/dev/start.ts'

const program = (name: string) => [join(import.meta.dirname, `${name}.ts`)]
await main({ migrate: program('migrate'), server: program('server'), runner: program('runner') })
