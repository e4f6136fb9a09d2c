/**
 * Fault row 1: the process is killed with -9 while devices publish, over and over on the same folder. Every event that was acknowledged, and
 * none of them twice, is in the journal afterwards; events in flight at the kill may be there once.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connectAsync } from 'mqtt'
import { openFront } from '../../edge-agent/adapters/front-rig.ts'
import { accepted } from '../../edge-agent/event-batch.ts'

const kills = Number(process.env.TRIBUTARY_KILLS ?? 20)
const dir = mkdtempSync(join(tmpdir(), 'intake-killed-'))
const children: ReturnType<typeof spawn>[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

test(`killed ${kills} times right after a PUBACK: nothing acknowledged is lost, nothing counts twice`, async () => {
  const directory = join(dir, 'journal')
  const acknowledged = new Set<number>()
  const sent = new Set<number>()
  let next = 0
  let unsure: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../rigs/agent-front-process.ts'), directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    const { port } = JSON.parse(String(line)) as { port: number }
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
    client.on('error', () => {})
    const gone = new Promise<never>((_, reject) => client.once('close', () => reject(new Error('killed'))))
    gone.catch(() => {})
    const publish = async (mark: number, qos: 1 | 2) => {
      sent.add(mark)
      const event = { timestamp: Date.now(), event_type: 'drop', cell: '272-01-1', event_id: `e-${mark}`, bytes_up: mark }
      await client.publishAsync('tributary/v1/network/tap-1', JSON.stringify(event), { qos })
      acknowledged.add(mark)
    }
    const again = unsure
    unsure = []
    const killAt = 5 + ((kill * 37) % 60)
    const working = Promise.allSettled(
      Array.from({ length: 80 }, async (_, at) => {
        const mark = again[at] ?? next++
        try {
          await Promise.race([publish(mark, at % 2 === 0 ? 1 : 2), gone])
        } catch {
          unsure.push(mark)
        }
        if (acknowledged.size % killAt === killAt - 1) child.kill('SIGKILL')
      }),
    )
    await working
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await client.endAsync(true)
  }
  const front = openFront({ journal: { directory } })
  const stored = new Map<number, number>()
  for (const { batch } of front.journal.replay(0)) {
    for (let row = 0; row < batch.rows; row++) {
      if (batch.columns.verdict[row] !== accepted) continue
      const mark = batch.columns.bytesUp[row]!
      stored.set(mark, (stored.get(mark) ?? 0) + 1)
    }
  }
  front.journal.close()
  const lost = [...acknowledged].filter((mark) => !stored.has(mark))
  const twice = [...stored].filter(([, count]) => count > 1).map(([mark]) => mark)
  const phantom = [...stored.keys()].filter((mark) => !sent.has(mark))
  assert.deepEqual({ lost, twice, phantom }, { lost: [], twice: [], phantom: [] })
  assert.ok(acknowledged.size > kills * 5, `${acknowledged.size} acknowledged`)
})
