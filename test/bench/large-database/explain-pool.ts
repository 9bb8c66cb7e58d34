/**
 * A pool that explains every statement before it runs it: EXPLAIN (ANALYZE, BUFFERS) counts the pages and rows that it
 * reads. The query functions of db/ get it instead of the real pool, so what is measured is what they send. Called by
 * large-database.ts.
 */
import pg from 'pg'
import type { Database } from '../../../db/pool.ts'

/**
 * `pages`: of 8 KiB, from memory or from the disk. `rows`: read from tables and indexes, also those that a filter
 * removed.
 */
export type Cost = { statements: number; pages: number; rows: number; ms: number }

export type ExplainPool = { pool: Database; takeCost(): Cost; close(): Promise<void> }

type Token = { sql: string; values: readonly unknown[]; parser?: { parse(row: unknown): Row } }
type Row = Record<string, unknown>

const noCost: Cost = { statements: 0, pages: 0, rows: 0, ms: 0 }

export async function openExplainPool(databaseUrl: string): Promise<ExplainPool> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  // As the pool of db/ reads it.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  let cost = noCost
  let inTransaction = false

  const run = async (token: Token): Promise<{ rows: Row[]; rowCount: number }> => {
    const { values } = token
    const sql = token.sql.replaceAll(/\$slonik_(\d+)/g, '$$$1')
    if (!inTransaction) await client.query('begin')
    try {
      await client.query('savepoint explained')
      const explained = await client.query(`explain (analyze, buffers, format json) ${sql}`, [...values])
      await client.query('rollback to savepoint explained')
      cost = addCost(cost, explained.rows[0]['QUERY PLAN'][0])
      const { rows, rowCount } = await client.query(sql, [...values])
      if (!inTransaction) await client.query('commit')
      return { rows: rows.map((row) => token.parser?.parse(row) ?? row), rowCount: rowCount ?? 0 }
    } catch (error) {
      if (!inTransaction) await client.query('rollback')
      throw error
    }
  }
  const firstColumn = (row: Row | undefined) => (row === undefined ? null : Object.values(row)[0])
  const methods = {
    any: async (token: Token) => (await run(token)).rows,
    anyFirst: async (token: Token) => (await run(token)).rows.map(firstColumn),
    exists: async (token: Token) => (await run(token)).rows.length > 0,
    maybeOne: async (token: Token) => (await run(token)).rows[0] ?? null,
    maybeOneFirst: async (token: Token) => firstColumn((await run(token)).rows[0]),
    one: async (token: Token) => (await run(token)).rows[0],
    oneFirst: async (token: Token) => firstColumn((await run(token)).rows[0]),
    query: run,
    transaction: async (work: (transaction: unknown) => Promise<unknown>) => {
      await client.query('begin')
      inTransaction = true
      try {
        const result = await work(methods)
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        inTransaction = false
      }
    },
    isDiskFull: () => false,
    end: () => client.end(),
  }
  return {
    pool: methods as unknown as Database,
    takeCost: () => {
      const taken = cost
      cost = noCost
      return taken
    },
    close: () => client.end(),
  }
}

type Plan = {
  'Node Type': string
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}
type Explained = { Plan: Plan; 'Execution Time': number }

/**
 * The pages of the top node include those of all others and of the functions that they call; rows inside functions are
 * not counted.
 */
function addCost(cost: Cost, { Plan: plan, 'Execution Time': ms }: Explained): Cost {
  return {
    statements: cost.statements + 1,
    pages: cost.pages + plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    rows: cost.rows + rowsScanned(plan),
    ms: cost.ms + ms,
  }
}

function rowsScanned(plan: Plan): number {
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)
  const own = /Scan$/.test(plan['Node Type']) ? (plan['Actual Rows'] + removed) * plan['Actual Loops'] : 0
  return (plan.Plans ?? []).reduce((sum, one) => sum + rowsScanned(one), Math.round(own))
}
