/**
 * `npm run bench -- large`: what the frequent operations read of a database with 20,000 deployments, 500,000 actions
 * and 5 million chunks. Each operation has a limit of pages; one that reads more fails the bench. Times are only shown.
 */
import { createListCache } from '../../../functions/deployments/list-cache.ts'
import { testSecrets } from '../../functions/secrets/fixtures.ts'
import type { Table } from '../benchmarks/growth.ts'
import type { Bench } from '../harness/bench.ts'
import { createFixture } from '../harness/fixture.ts'
import { formatMs } from '../harness/results.ts'
import { type Cost, openExplainPool } from './explain-pool.ts'
import { fillDatabase, largeSize } from './fill.ts'
import { type Operation, operations } from './operations.ts'

export async function largeDatabase(bench: Bench): Promise<Table> {
  const { databaseUrl } = (await createFixture(bench)).octopod
  await fillDatabase(databaseUrl, largeSize)
  const explained = await openExplainPool(databaseUrl)
  const { pool, takeCost } = explained
  const context = { pool, databaseUrl, listCache: createListCache(pool, testSecrets) }
  const rows: string[][] = []
  const exceeded: string[] = []
  try {
    for (const operation of operations) {
      // The second time the catalog of PostgreSQL is in memory, as in a connection of the pool.
      await operation.prepare?.(context)
      if (operation.repeats !== false) await operation.run(context)
      takeCost()
      await operation.run(context)
      const cost = takeCost()
      rows.push(toRow(operation, cost))
      if (cost.pages > operation.maxPages) exceeded.push(`${operation.name}: ${cost.pages} pages`)
    }
  } finally {
    await explained.close()
  }
  if (exceeded.length > 0) {
    process.stderr.write(`Too many pages were read. ${exceeded.join('; ')}\n`)
    process.exitCode = 1
  }
  return {
    title: `What is read of ${largeSize.deployments.toLocaleString('en')} deployments with 500,000 actions and 5 million chunks:`,
    head: ['operation', 'statements', 'pages', 'at most', 'rows', 'time in PostgreSQL'],
    rows,
  }
}

function toRow({ name, maxPages }: Operation, { statements, pages, rows, ms }: Cost): string[] {
  return [name, String(statements), String(pages), String(maxPages), String(rows), formatMs(ms)]
}
