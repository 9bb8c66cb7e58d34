/**
 * Dumps a migrated database as readable, stable text from the catalogs of PostgreSQL (without pg_dump).
 * db/schema.sql is the current dump: it shows the whole schema, and each change of it in a review. Written by
 * write-schema.ts, compared by a test.
 */
import type pg from 'pg'
import { withDatabase } from './with-database.ts'

const head = `-- The schema as all migrations and definitions leave it: to be read, never run. Written by \`npx node test/helpers/write-schema.ts\`, compared by a test.
`

/** Partitions are left out: their names contain the month. */
const isPartition = (table: string) =>
  `exists (select from pg_class part where part.oid = ${table} and part.relispartition)`

/** Each query returns one text column `line` in a stable order. The tables of run-migrations.ts are left out. */
const queries: Record<string, string> = {
  Sequences: `
    select format('create sequence %I;', sequencename) as line
    from pg_sequences s where schemaname = 'public'
      and not exists (select from pg_depend d
        where d.objid = format('%I', s.sequencename)::regclass and d.deptype in ('a', 'i'))
    order by sequencename collate "C"`,
  Tables: `
    select format(E'create table %I (\\n%s\\n)%s;', c.relname,
      string_agg(format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then ' not null' else '' end,
        coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')), E',\\n' order by a.attnum),
      coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')
        || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')) as line
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname not in ('migrations', 'definitions')
    group by c.oid, c.relname, c.reloptions order by c.relname collate "C"`,
  Constraints: `
    select format('alter table %s add constraint %I %s;', conrelid::regclass, conname, pg_get_constraintdef(oid)) as line
    from pg_constraint
    where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c', 'x') and not ${isPartition('conrelid')} and conrelid::regclass::text not in ('migrations', 'definitions')
    order by conrelid::regclass::text collate "C", contype, conname collate "C"`,
  Indexes: `
    select replace(pg_get_indexdef(i.indexrelid), ' ON public.', ' ON ') || ';' as line
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relnamespace = 'public'::regnamespace and not ${isPartition('i.indrelid')} and i.indrelid::regclass::text not in ('migrations', 'definitions')
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    order by i.indrelid::regclass::text collate "C", c.relname collate "C"`,
  Types: `
    select format('create type %I as enum (%s);', t.typname,
      (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid)) as line
    from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype = 'e' order by t.typname collate "C"`,
  Functions: `
    select rtrim(replace(pg_get_functiondef(oid), 'public.', ''), E'\\n') || ';' as line
    from pg_proc where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
    order by proname collate "C", oid::regprocedure::text collate "C"`,
  Triggers: `
    select pg_get_triggerdef(t.oid, true) || ';' as line
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and not c.relispartition and c.relnamespace = 'public'::regnamespace
    order by c.relname collate "C", t.tgname collate "C"`,
  Views: `
    select format(E'create view %I as\\n%s', relname, pg_get_viewdef(oid, true)) as line
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm') order by relname collate "C"`,
}

export async function dumpSchema(databaseUrl: string): Promise<string> {
  return withDatabase(databaseUrl, async (client) => {
    await client.query('set search_path to public')
    let text = head
    for (const [title, query] of Object.entries(queries)) {
      const lines = await linesOf(client, query)
      const between = lines.some((line) => line.includes('\n')) ? '\n\n' : '\n'
      if (lines.length > 0) text += `\n-- ${title}\n\n${lines.join(between)}\n`
    }
    return text.replaceAll(/[ \t]+$/gm, '')
  })
}

async function linesOf(client: pg.Client, query: string): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(query)
  return rows.map((row) => row.line)
}
