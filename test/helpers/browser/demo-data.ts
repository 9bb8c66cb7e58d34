/**
 * A realistic demo project for screenshots and accessibility tests: control scripts with output, and
 * deployments in all states.
 */
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { createApiClient } from '../api-client.ts'
import type { System } from '../system.ts'

/**
 * One shell script with all names. A file `go` next to it lets the update of `search-speed` end; a file
 * `partial` makes the check of gift-cards fail partly.
 */
const demoScript = `#!/bin/sh
dir=\${0%/*}; name=''; region=eu; tag=''; before=''
for argument in "$@"; do
  case $before in
    --name) name=$argument ;;
    --deployment-config) case $argument in region=*) region=\${argument#*=} ;; esac ;;
    --application-config) case $argument in image.tag=*) tag=\${argument#*=} ;; esac ;;
  esac
  before=$argument
done
case \${0##*/} in
  deployment_config) printf 'region,eu\\ndatabase.size,small\\ndatabase.backup,daily\\n' ;;
  deployment_config_keys) printf 'region\\ndatabase.size\\ndatabase.backup\\ndatabase.version\\n' ;;
  application_config)
    printf 'image.repository,acme/shop\\nimage.tag,main\\nreplicas,2\\n'
    printf 'mail.host,mail.%s.acme.example\\nmail.from,shop@acme.example\\nmail.dry-run,true\\n' "$region"
    printf 'feature.checkout,old\\nfeature.search,old\\nfeature.gift-cards,off\\n'
    printf 'payments.provider,sandbox\\npayments.currency,EUR\\nlog.level,info\\nlog.format,json\\n' ;;
  application_config_keys) printf 'image.tag\\nreplicas\\nfeature.dark-mode\\nfeature.wishlist\\nlog.level\\n' ;;
  config_check)
    [ "$tag" = v9 ] || exit 0
    printf 'There is no image acme/shop:v9.\\nThe newest are v2.4, v2.3 and main.\\n'; exit 1 ;;
  info) printf 'Shop,https://%s.staging.acme.example\\nAdmin,https://%s.staging.acme.example/admin\\n' "$name" "$name" ;;
  check)
    case $name in payments-fix) echo '503 from /health' >&2; exit 1 ;; gift-cards) [ -e "$dir/partial" ] && exit 2 ;; esac ;;
  create | update)
    printf 'Pulling acme/shop:%s\\n' "\${tag:-main}"
    for step in 1 2 3 4 5 6; do printf 'layer %s of 6: done\\n' "$step"; done
    printf 'Migrating the database\\n  0041_orders_by_day ... \\033[32mok\\033[0m\\n  0042_gift_cards ... \\033[32mok\\033[0m\\n'
    printf '\\033[33mwarning: column orders.legacy_id is not used any more\\033[0m\\n' >&2
    printf 'Starting 2 replicas in region %s\\n' "$region"
    [ "$name" = payments-fix ] && { printf 'error: replica 1 does not answer on port 8080\\n' >&2; exit 1; }
    [ "$name\${0##*/}" = search-speedupdate ] && while [ ! -e "$dir/go" ]; do sleep 0.1; done ;;
  archive | unarchive | cleanup) printf '%s: done\\n' "\${0##*/}" ;;
esac
exit 0
`
const scriptNames =
  'create update archive unarchive check archive_check cleanup config_check info init notifications ' +
  'deployment_config deployment_config_keys application_config application_config_keys'

export async function writeDemoScripts(folder: string): Promise<void> {
  for (const name of scriptNames.split(' ')) {
    await writeFile(join(folder, name), demoScript)
    await chmod(join(folder, name), 0o755)
  }
}

const actorHeaders = (actor: string, reason = '') => ({
  'Octopod-Actor': actor,
  'Octopod-Source': 'page',
  ...(reason && { 'Octopod-Reason': encodeURIComponent(reason) }),
})

/** Creates eight deployments: one archived, one failed, one with a running update. */
export async function createDemoData({ url, databaseUrl }: System, scriptsDir: string): Promise<void> {
  const client = createApiClient(url)
  await client.create(
    'search-speed',
    { 'image.tag': 'v2.2', 'feature.search': 'fast' },
    actorHeaders('maria'),
  )
  await client.create(
    'new-checkout',
    { 'image.tag': 'v2.4', 'feature.checkout': 'new' },
    actorHeaders('jonas'),
  )
  await client.create(
    'gift-cards',
    { 'image.tag': 'v2.3', 'feature.gift-cards': 'on' },
    actorHeaders('priya'),
  )
  await client.create(
    'payments-fix',
    { 'image.tag': 'pay-118', 'payments.provider': 'live-test' },
    actorHeaders('sam'),
  )
  await client.create(
    'release-2-4',
    { 'image.tag': 'v2.4', replicas: '4', 'log.level': 'debug' },
    actorHeaders('ci'),
  )
  await client.create('demo-friday', { 'image.tag': 'v2.3', 'mail.dry-run': 'false' }, actorHeaders('lena'))
  await client.create(
    'dark-mode',
    { 'image.tag': 'dark-7', 'feature.dark-mode': 'on' },
    actorHeaders('maria'),
  )
  await client.create('autumn-sale', { 'image.tag': 'v1.9' }, actorHeaders('lena'))
  await client.waitForStatus('search-speed', 'Running')
  for (const name of ['autumn-sale', 'release-2-4', 'demo-friday', 'dark-mode', 'new-checkout', 'gift-cards'])
    await client.waitForStatus(name, 'Running')
  await client.waitForStatus('payments-fix', 'GenericFailure')
  await writeFile(join(scriptsDir, 'partial'), '')
  await client.update(
    'release-2-4',
    { 'image.tag': 'v2.4', replicas: '6' },
    actorHeaders('jonas', 'load test'),
  )
  await client.waitForStatus('release-2-4', 'Running')
  await client.archive('autumn-sale')
  await client.waitForStatus('autumn-sale', 'Archived')
  // The second update does not end.
  await writeFile(join(scriptsDir, 'go'), '')
  await client.update('search-speed', { 'image.tag': 'v2.2', 'feature.search': 'new' }, actorHeaders('maria'))
  await client.waitForStatus('search-speed', 'Running')
  await rm(join(scriptsDir, 'go'))
  await client.update(
    'search-speed',
    { 'image.tag': 'v2.3', 'feature.search': 'fast' },
    actorHeaders('maria', 'try the new index'),
  )
  await client.waitForStatus('gift-cards', 'PartialAvailability')
  await client.waitForStatus('search-speed', 'UpdatePending (pending)')
  await backdate(databaseUrl)
}

/** Moves the actions into the past and gives the running one a usual duration, so that the pictures look realistic. */
async function backdate(databaseUrl: string): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  try {
    await database.query(`set session_replication_role = replica`)
    await database.query(`
      update actions set created_at = created_at - shift, started_at = started_at - shift,
        finished_at = finished_at - shift + interval '40 seconds' + (id % 7) * interval '6 seconds'
      from (select id as of, (40 - id) * interval '97 minutes' as shift from actions) a where of = id and state <> 'running'`)
    await database.query(`update actions set expected_duration_ms = 120000 where state = 'running'`)
    await database.query(`
      update deployments d set created_at = (select min(a.created_at) from actions a where a.deployment_id = d.id),
        updated_at = (select max(a.created_at) from actions a where a.deployment_id = d.id)`)
  } finally {
    await database.end()
  }
}
