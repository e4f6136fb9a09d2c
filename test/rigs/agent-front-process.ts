/**
 * The front half of an agent as a process of its own, to be killed: `node agent-front-process.ts <folder> [port]`. Says its port in one line
 * of JSON. A stand-in reader releases the journal as it goes when told to with `release` as the third argument.
 */
import { openFront } from '../../edge-agent/adapters/front-rig.ts'

const [directory, port = '0', mode = 'keep'] = process.argv.slice(2)
const takeStage = { rows: 0 }
const front = openFront({
  journal: { directory: directory!, quotaBytes: 8 * 2 ** 30 },
  mqtt: { port: Number(port) },
  reader: {
    take: (batch, position) => {
      takeStage.rows += batch.rows
      if (mode === 'release' && position % 256 === 0) front.journal.release(position)
    },
  },
})
await front.start()
process.stdout.write(`${JSON.stringify({ port: front.broker.port })}\n`)
process.once('SIGTERM', () => {
  const { user, system } = process.cpuUsage()
  process.stdout.write(`${JSON.stringify({ rows: takeStage.rows, cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() })}\n`)
  void front.stop().then(() => process.exit(0))
})
