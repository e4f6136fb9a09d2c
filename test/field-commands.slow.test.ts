/**
 * The field team's commands against a real running network, as somebody on site would use them: is it well, what is stored, send it again, take
 * a support archive home. Planted identities, published in every place a device can put one, are in nothing that leaves.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import mqtt from 'mqtt'
import { eventually, root, startNetwork } from './network.ts'

interface Report {
  readonly schema: number
  readonly worst: string
  readonly exit: number
  readonly tookMs: number
  readonly checks: readonly {
    readonly id: string
    readonly verdict: string
    readonly value: unknown
    readonly words: string
    readonly fix: string | null
    readonly page: string
  }[]
}

const planted = { imsi: '272019876543210', msisdn: '353869876543', imei: '35824009876543', dotted: '353.86.987.6543' }

test('a running site: doctor, top, buffer, try, bundle', { timeout: 480_000 }, async (t) => {
  const network = await startNetwork(t, { args: ['--no-simulator', '--regions', 'north', '--agents', '1'] })
  const agent = network.agent('north-1')
  const config = agent.config
  const now = Date.now()
  const who = { imsi: planted.imsi, msisdn: `+${planted.msisdn}`, imei: planted.imei }
  const events = Array.from({ length: 20 }, (_, at) => ({
    event_id: `id-${planted.imsi}-${at}`,
    timestamp: now,
    event_type: 'registration',
    payload: { ...who, cell: `272-01-${1000 + at}`, note: planted.dotted },
  }))
  await network.publish('north-1', 'subscriber', `mme-${planted.msisdn}`, events, `device-${planted.imsi}`)
  await network.publish('north-1', 'subscriber', 'mme', [
    { ...events[0], event_id: 'x', payload: { ...who, cell: planted.imsi } },
    `not JSON ${planted.imsi}`,
  ])
  const stranger = mqtt.connect(agent.mqtt, { clientId: `s-${planted.msisdn}` })
  await stranger.publishAsync(`a/topic/of/${planted.imsi}`, planted.msisdn, { qos: 1 })
  await stranger.endAsync()

  await t.test('doctor: under 10 s, no fail, the published shape; its pages are there', async () => {
    const found = await eventually('nothing fails', async () => {
      const { code, stdout } = await run('edge-agent', ['doctor', '--config', config, '--json'])
      const report = JSON.parse(stdout) as Report
      assert.equal(code, report.exit)
      assert.deepEqual(
        report.checks.filter(({ verdict }) => verdict === 'fail').map(({ id, words }) => `${id}: ${words}`),
        [],
      )
      return report
    })
    assert.ok(found.tookMs < 10_000, String(found.tookMs))
    assert.ok(found.checks.length >= 25)
    const verdict = (id: string) => found.checks.find((one) => one.id === id)?.verdict
    for (const id of [
      'config',
      'key-file',
      'key-mode',
      'running',
      'ports',
      'mqtt-loopback',
      'hub-nats',
      'hub-permissions',
      'uplink',
      'stores',
    ])
      assert.equal(verdict(id), 'pass', id)
    assert.match(found.checks.find(({ id }) => id === 'rejected-share')!.words, /mostly/)
  })

  await t.test('the loop-back message is no event', async () => {
    const { stdout } = await run('edge-agent', ['top', '--config', config, '--json'])
    const { taps } = JSON.parse(stdout) as { taps: { tap: string; accepted: number }[] }
    assert.deepEqual(
      taps.map(({ tap, accepted }) => [tap, accepted]),
      [['mqtt', 20]],
    )
  })

  await t.test('top: once, on one screen, with and without JSON', async () => {
    const { code, stdout } = await run('edge-agent', ['top', '--config', config, '--once'])
    assert.equal(code, 0)
    assert.match(stdout, /north-1 in north: /)
    assert.match(stdout, /^lane /m)
    assert.ok(!stdout.includes('\u001b'), 'no colour where nobody sees it')
  })

  await t.test('hub and core: doctor and top in the same style', async () => {
    const { hub } = network.region('north')
    const { core } = network.ready
    for (const [service, file] of [
      ['regional-hub', hub.config],
      ['core', core.config],
    ] as const) {
      const { stdout } = await run(service, ['doctor', '--config', file, '--json'])
      const report = JSON.parse(stdout) as Report
      assert.deepEqual(
        report.checks.filter(({ verdict }) => verdict === 'fail').map(({ id, words }) => `${id}: ${words}`),
        [],
      )
      assert.ok(report.tookMs < 10_000)
      assert.equal((await run(service, ['top', '--config', file, '--json'])).code, 0)
      assert.equal((await run(service, ['top', '--config', file, '--once'])).code, 0)
    }
  })

  await t.test('buffer: listed, whole, exported as it is stored, sent again without effect', async () => {
    const { hub } = network.region('north')
    process.kill(hub.pid, 'SIGSTOP') // so that something waits
    try {
      await network.publish('north-1', 'subscriber', 'mme', [
        { timestamp: Date.now(), event_type: 'registration', payload: { ...who, cell: '272-01-77' } },
      ])
      await eventually('something waits in the outbox', async () => {
        const listed = JSON.parse((await run('edge-agent', ['buffer', 'ls', '--config', config, '--json'])).stdout) as {
          segments: unknown[]
          outbox: { lane: string }[]
        }
        assert.ok(listed.segments.length > 0 && listed.outbox.length > 0)
      })
      assert.equal((await run('edge-agent', ['buffer', 'verify', '--config', config])).code, 0)
      const lines = (await run('edge-agent', ['buffer', 'export', '--config', config])).stdout.trim().split('\n')
      assert.ok(lines.every((line) => typeof JSON.parse(line).record === 'string'))
      const journal = (await run('edge-agent', ['buffer', 'export', '--from', 'journal', '--config', config])).stdout
      for (const one of [planted.imsi, planted.imei]) assert.ok(!`${lines.join('\n')}${journal}`.includes(one), one)
      const again = JSON.parse((await run('edge-agent', ['buffer', 'replay', '--config', config, '--json'])).stdout) as { rows: number }
      assert.ok(again.rows > 0)
    } finally {
      process.kill(hub.pid, 'SIGCONT')
    }
    await eventually('what was sent again has changed no count', async () => {
      const counts = await network.api<{ items: { accepted: number }[] }>(
        `/v1/events/counts?from=${new Date(now - 60_000).toISOString()}&to=${new Date(Date.now() + 60_000).toISOString()}`,
      )
      assert.equal(
        counts.items.reduce((sum, { accepted }) => sum + accepted, 0),
        21,
      )
    })
  })

  await t.test('try: beside the running agent on other ports; what would go, and nothing kept', async () => {
    const taken = await run('edge-agent', ['try', '--seconds', '1', '--config', config])
    assert.equal(taken.code, 1)
    assert.match(taken.stderr, /mqtt.port \d+ is held by .*--mqtt-port/s)
    const trial = run('edge-agent', [
      'try',
      '--seconds',
      '4',
      '--config',
      config,
      '--mqtt-port',
      '34571',
      '--netflow-port',
      '34572',
      '--json',
    ])
    const device = mqtt.connect('mqtt://127.0.0.1:34571', { reconnectPeriod: 200 })
    await device.publishAsync(
      'tributary/v1/network/x',
      JSON.stringify({ timestamp: Date.now(), event_type: 'attach', payload: { ...who, cell: '272-01-5' } }),
      { qos: 1 },
    )
    await device.endAsync(true)
    const { stdout } = await trial
    const told = JSON.parse(stdout) as { bytes: number; taps: { accepted: number }[]; wouldSend: { record: string }[] }
    assert.deepEqual(
      told.taps.map(({ accepted }) => accepted),
      [1],
    )
    assert.ok(told.bytes > 0 && told.wouldSend.some(({ record }) => record === 'sighting'))
    assert.ok(!stdout.includes(planted.imsi))
  })

  await t.test('bundle: everything support needs, and no planted identity', async () => {
    const log = join(network.dataDir, 'planted.log')
    const real = readFileSync(join(network.dataDir, 'logs', 'agent-north-1.log'), 'utf8')
    writeFileSync(
      log,
      `${real}${JSON.stringify({ level: 'warn', msg: `client ${planted.imsi} +${planted.msisdn}`, imsi: planted.imsi })}\nError at ${planted.imei}, ${planted.dotted}\n`,
    )
    const file = join(network.dataDir, 'bundle.tar.gz')
    const { code, stdout } = await run('edge-agent', ['bundle', '--config', config, '--log', log, '--out', file, '--json'])
    assert.equal(code, 0)
    const { files } = JSON.parse(stdout) as { files: string[] }
    for (const one of ['versions.json', 'doctor.json', 'config.json', 'stores.json', 'health.json', 'site.json', 'metrics.txt', 'log.txt'])
      assert.ok(files.includes(one), one)
    const content = gunzipSync(readFileSync(file)).toString('latin1')
    assert.match(content, /"msg":"events are taken"/)
    for (const one of Object.values(planted)) assert.ok(!content.includes(one), one)
    for (const one of [planted.imsi, planted.msisdn, planted.imei])
      assert.ok(!content.replace(/[ .\-()/]/g, '').includes(one), `${one} with separators`)
    assert.equal((await run('edge-agent', ['bundle', '--config', config, '--out', file])).code, 1, 'an archive is never overwritten')
  })

  await t.test('init at a running site tells the time to the first accepted event', async () => {
    const { stdout } = await run('edge-agent', ['init', '--config', config, '--yes', '--wait', '5', '--json'])
    const { firstEventS } = JSON.parse(stdout) as { firstEventS: number }
    assert.ok(firstEventS > 0 && firstEventS < 60, String(firstEventS))
    await sleep(10)
  })
})

function run(service: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, service, 'main.ts'), ...args],
      { cwd: root, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    child.stdin?.end()
  })
}
