/**
 * Opens the ends of the pipeline as the settings say: the region's NATS server (through which the core's is reached) and the files of `dataDir`,
 * which exists.
 */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { connectNats } from '#shared/adapters/nats-connection.ts'
import { describeError, findError } from '#shared/errors.ts'
import { FileSnapshot } from './adapters/file-snapshot.ts'
import { NatsClaims } from './adapters/nats-claims.ts'
import { NatsEpoch } from './adapters/nats-epoch.ts'
import { NatsInbox } from './adapters/nats-inbox.ts'
import { NatsTrunk } from './adapters/nats-trunk.ts'
import { SqliteSpool } from './adapters/sqlite-spool.ts'
import type { HubConfig } from './config.ts'
import type { HubReport } from './events.ts'
import type { PipelineEnds } from './pipeline-ends.ts'

export async function openEnds(config: HubConfig, report: HubReport, signal: AbortSignal): Promise<PipelineEnds> {
  const { tenant, region, dataDir, nats, core, spool } = config
  const connection = await connectNats({
    url: nats.url,
    name: `hub-${region}`,
    signal,
    onStatus: (status) => report.natsStatus(status),
  })
  const onForeign = (words: string) => report.foreignMessage(words)
  const onRewind = (words: string) => report.inboxRewound(words)
  return {
    inbox: new NatsInbox({
      connection,
      tenant,
      region,
      maxBytes: nats.inboxMaxBytes,
      onForeign,
      onRewind,
      onRetry: (error) => report.readerRetried('INBOX', error),
    }),
    epoch: new NatsEpoch({ connection, tenant, region, who: `hub process ${process.pid}`, onRaised: report.epochRaised }),
    trunk: new NatsTrunk(connection),
    claims: new NatsClaims({
      connection,
      tenant,
      region,
      coreDomain: core.domain,
      onForeign,
      onRewind,
      onRetry: (stream, error) => report.readerRetried(stream, error),
    }),
    ...openSpool(join(dataDir, 'spool.db'), spool, report),
    snapshots: new FileSnapshot(dataDir, (file, words) => report.snapshotBroken(file, words)),
  }
}

/** A spool that cannot be opened is set aside: the agents still hold what it held of theirs, so the ledger begins anew and they send it again. */
function openSpool(
  file: string,
  { quotaBytes, memoryBytes }: HubConfig['spool'],
  report: HubReport,
): Pick<PipelineEnds, 'spool' | 'spoolWasLost'> {
  const options = { file, quotaBytes, memoryBytes }
  try {
    return { spool: new SqliteSpool(options), spoolWasLost: false }
  } catch (error) {
    if (findError(error, 'store-failed') === undefined || !existsSync(file)) throw error
    report.spoolBroken(file, describeError(error))
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${file}.broken${suffix}`)
    return { spool: new SqliteSpool(options), spoolWasLost: true }
  }
}
