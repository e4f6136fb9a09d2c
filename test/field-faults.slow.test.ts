/**
 * What a new user meets on site: a wrong password, an expired certificate, a full disk, no clock source, a taken port, no hub. Each is told with
 * what, where, why and what to do; the agent itself goes on wherever it can.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import { findNatsServer } from '../deploy/find-nats-server.ts'
import { eventually, root } from './network.ts'

interface Result {
  readonly id: string
  readonly verdict: string
  readonly words: string
  readonly fix: string | null
  readonly because?: string
}

test('no hub: it says which address refuses and what to look at; the agent starts and takes events all the same', async (t) => {
  const site = await newSite(t)
  const agent = startAgent(t, site)
  await eventually('it runs', () => assert.match(agent.output(), /events are taken/))
  await eventually('it says that nobody is there', () =>
    assert.match(agent.output(), new RegExp(`no way to the region; events are kept here: ${site.hub}.*nothing listens there`)),
  )
  await publish(site.ports.mqtt)
  const results = await doctor(site)
  const tcp = results['hub-tcp']!
  assert.equal(tcp.verdict, 'fail')
  assert.match(tcp.words, /^127\.0\.0\.1:\d+: .*nothing listens on that port/)
  assert.match(tcp.fix!, /nats-server listens there.*hub\.natsUrl/)
  assert.equal(results['hub-nats']!.because, 'hub-tcp')
  assert.equal(results['mqtt-loopback']!.verdict, 'pass')
  assert.equal(results.uplink!.verdict, 'warn')
})

test('a wrong password: who was refused, which file to correct; corrected, it is taken without a restart', async (t) => {
  const site = await newSite(t)
  const password = join(site.dir, 'password')
  writeFileSync(password, 'wrong\n', { mode: 0o600 })
  await startNats(t, site, 'authorization { user: site, password: right-password }')
  site.write({ hub: { natsUrl: site.hub, user: 'site', passwordFile: password } })
  const agent = startAgent(t, site)
  await eventually('the log says it', () =>
    assert.match(agent.output(), /does not take user “site” with the password in .*password .*correct that file/),
  )
  const nats = (await doctor(site))['hub-nats']!
  assert.equal(nats.verdict, 'fail')
  assert.match(nats.words, /does not take user “site” with the password in .*\/password$/)
  assert.match(nats.fix!, /correct the content of that file; no restart/)
  assert.ok(!agent.output().includes('wrong'), 'the password itself is nowhere')
  writeFileSync(password, 'right-password\n')
  await eventually('it is connected', () => assert.match(agent.output(), /connected to the region/), 30_000)
  assert.equal((await doctor(site))['hub-nats']!.verdict, 'pass')
})

test('no user although one is asked for, and rights that are missing, are named', async (t) => {
  const site = await newSite(t)
  const nats = await startNats(
    t,
    site,
    'authorization { users = [{ user: site, password: p, permissions: { publish: ["$JS.API.>", "ing.default.north.box.ledger"], subscribe: ["_INBOX_agent-box.>"] } }] }',
  )
  const without = (await doctor(site))['hub-nats']!
  assert.match(without.words, /asks for a user and none is set/)
  const password = join(site.dir, 'password')
  writeFileSync(password, 'p', { mode: 0o600 })
  site.write({ hub: { natsUrl: site.hub, user: 'site', passwordFile: password } })
  const rights = (await doctor(site))['hub-permissions']!
  assert.equal(rights.verdict, 'fail', rights.words)
  assert.match(rights.words, /publish ing\.default\.north\.box\.window/)
  assert.match(rights.words, /subscribe cmd\.default\.north\.box\.watermark/)
  assert.doesNotMatch(rights.words, /ledger/)
  assert.ok(nats.pid)
})

test('an expired certificate: whose, since when, what to do', async (t) => {
  const site = await newSite(t)
  const made = makeExpired(site.dir)
  if (made === undefined) {
    t.diagnostic('openssl is not installed here: no certificate could be made')
    return
  }
  await startNats(t, site, `tls { cert_file: "${made.cert}", key_file: "${made.key}" }`)
  site.write({ hub: { natsUrl: site.hub.replace('nats://127.0.0.1', 'tls://localhost'), caFile: made.ca } })
  const agent = startAgent(t, site)
  await eventually('the log says it', () => assert.match(agent.output(), /the server’s certificate has expired; renew it there/))
  const tls = (await doctor(site))['hub-tls']!
  assert.equal(tls.verdict, 'fail')
  assert.match(tls.words, /certificate of localhost:\d+ \(CN=localhost\) expired \d+ days ago/)
  assert.match(tls.fix!, /renew it on the server/)
})

test('a taken port: which, for what, by whom, and the setting that chooses another', async (t) => {
  const site = await newSite(t)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(site.ports.mqtt, '127.0.0.1', resolve))
  t.after(() => other.close())
  const ended = await run(['run', '--config', site.file])
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, new RegExp(`tributary-agent: A port is already in use: .*mqtt\\.port ${site.ports.mqtt}.*pid ${process.pid}`))
  const ports = (await doctor(site)).ports!
  assert.equal(ports.verdict, 'fail')
  assert.match(ports.words, new RegExp(`tcp ${site.ports.mqtt} \\(mqtt\\.port\\) by .*pid ${process.pid}`))
  assert.match(ports.fix!, /mqtt\.port/)
})

test('a full disk: what is refused and why; with room it goes on', async (t) => {
  const site = await newSite(t)
  const volume = join(site.dir, 'volume')
  mkdirSync(volume)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', volume], { stdio: 'ignore' })
  } catch {
    t.diagnostic('this user may not mount: no full volume could be made')
    return
  }
  site.write({ dataDir: join(volume, 'data'), journal: { ballastBytes: 4 << 20 }, outbox: { ballastBytes: 2 << 20 } })
  const agent = startAgent(t, site)
  try {
    await eventually('it runs', () => assert.match(agent.output(), /events are taken/))
    await publish(site.ports.mqtt)
    fill(join(volume, 'fill'))
    const refused = await eventually('a device is refused', async () => {
      await assert.rejects(publish(site.ports.mqtt, 1_500))
      return true
    })
    assert.ok(refused)
    await eventually('doctor says what and why', async () => {
      const results = await doctor(site)
      assert.equal(results['disk-space']!.verdict, 'fail')
      assert.match(results['disk-space']!.words, /nothing new can be stored/)
      assert.equal(results['mqtt-loopback']!.verdict, 'fail', results['mqtt-loopback']!.words)
      assert.match(results['mqtt-loopback']!.words, /devices are not acknowledged: /)
      assert.equal(results.stores!.verdict, 'pass')
    })
    assert.match(agent.output(), /"level":"error".*devices are not acknowledged/)
    rmSync(join(volume, 'fill'))
    await eventually('it takes events again', () => publish(site.ports.mqtt, 1_500), 40_000, 500)
  } finally {
    await agent.stop()
    execFileSync('umount', ['-l', volume])
  }
})

test('no clock source: said as what cannot be told, with what to install', async (t) => {
  const found = (await doctor(await newSite(t)))['clock-source']!
  if (found.verdict === 'unknown') {
    assert.match(found.words, /nothing is known to keep this clock/)
    assert.match(found.fix!, /apt install chrony/)
  } else {
    t.diagnostic(`this machine has a clock source: ${found.words}`)
    assert.match(found.verdict, /pass|warn/)
  }
})

test('an invalid file: line and column of each problem, and the rest is not called broken', async (t) => {
  const site = await newSite(t)
  writeFileSync(site.file, 'agent: box\nregion: north\ndataDir: /tmp/x\nmqtt:\n  prot: 1883\n  port: many\n')
  const checked = await run(['check', '--config', site.file])
  assert.equal(checked.code, 1)
  assert.match(checked.stderr, /agent\.yaml:5:3: mqtt\.prot: there is no such setting; did you mean port\?/)
  assert.match(checked.stderr, /agent\.yaml:6:9: mqtt\.port: "many" stands there, expected number/)
  const ended = await run(['doctor', '--config', site.file, '--json'])
  const { checks } = JSON.parse(ended.stdout) as { checks: Result[] }
  assert.equal(ended.code, 2)
  assert.deepEqual(
    checks.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id),
    ['config'],
  )
})

interface Site {
  readonly dir: string
  readonly file: string
  readonly hub: string
  readonly ports: { readonly mqtt: number; readonly netflow: number; readonly admin: number; readonly nats: number }
  write(more?: object): void
}

async function newSite(t: TestContext): Promise<Site> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-site-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const [mqttPort, netflow, admin, nats] = await freePorts(4)
  const key = join(dir, 'identity.key')
  writeFileSync(key, `k1:${'ab'.repeat(32)}\n`, { mode: 0o600 })
  const ports = { mqtt: mqttPort!, netflow: netflow!, admin: admin!, nats: nats! }
  const hub = `nats://127.0.0.1:${nats}`
  const standard = {
    agent: 'box',
    region: 'north',
    dataDir: join(dir, 'data'),
    identity: { keyFile: key },
    hub: { natsUrl: hub },
    mqtt: { port: ports.mqtt },
    netflow: { port: ports.netflow },
    admin: { port: ports.admin },
  }
  const file = join(dir, 'agent.yaml')
  const write = (more: object = {}) => writeFileSync(file, JSON.stringify({ ...standard, ...more }))
  write()
  return { dir, file, hub, ports, write }
}

function startAgent(t: TestContext, site: Site): { output: () => string; stop: () => Promise<void> } {
  const child = spawn(process.execPath, [join(root, 'edge-agent/main.ts'), 'run', '--config', site.file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  child.stderr.on('data', (text) => lines.push(String(text)))
  t.after(() => stop(child))
  return { output: () => lines.join(''), stop: () => stop(child) }
}

async function startNats(t: TestContext, site: Site, more: string): Promise<ChildProcess> {
  const { path } = await findNatsServer({ env: process.env, say: () => {} })
  const file = join(site.dir, 'nats.conf')
  writeFileSync(file, `listen: 127.0.0.1:${site.ports.nats}\njetstream { store_dir: "${join(site.dir, 'js')}" }\n${more}\n`)
  const child = spawn(path, ['-c', file], { stdio: 'ignore' })
  t.after(() => stop(child))
  await eventually('the server listens', async () => {
    const answer = await fetch(`http://127.0.0.1:${site.ports.nats}`).catch((error) => String((error as Error).cause))
    assert.doesNotMatch(String(answer), /ECONNREFUSED/)
  })
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(5_000, undefined, { ref: false })])
  child.kill('SIGKILL')
}

async function doctor(site: Site): Promise<Readonly<Record<string, Result>>> {
  const { stdout } = await run(['doctor', '--config', site.file, '--json'])
  const { checks } = JSON.parse(stdout) as { checks: Result[] }
  return Object.fromEntries(checks.map((one) => [one.id, one]))
}

async function publish(port: number, timeoutMs = 10_000): Promise<void> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, connectTimeout: timeoutMs })
  try {
    const closed = new Promise<never>((_, reject) => {
      client.once('close', () => reject(new Error('the connection was closed')))
      client.once('error', reject)
      setTimeout(() => reject(new Error('no PUBACK')), timeoutMs).unref()
    })
    const event = { timestamp: Date.now(), event_type: 'attach', payload: { cell: '272-01-5' } }
    await Promise.race([client.publishAsync('tributary/v1/network/x', JSON.stringify(event), { qos: 1 }), closed])
  } finally {
    client.end(true)
  }
}

function fill(file: string): void {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k'], { stdio: 'ignore' })
  } catch {
    // it ends when there is no room left: that is what it is for
  }
  assert.ok(existsSync(file))
}

/** A CA and a certificate of localhost by it that ended long ago; undefined without openssl. */
function makeExpired(dir: string): { ca: string; cert: string; key: string } | undefined {
  const at = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: dir })
  try {
    openssl('version')
  } catch {
    return undefined
  }
  writeFileSync(
    at('ca.cnf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n',
  )
  writeFileSync(at('index'), '')
  writeFileSync(at('serial'), '01\n')
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '36500', '-subj', '/CN=Test CA')
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
  const dates = ['-startdate', '20250101000000Z', '-enddate', '20250201000000Z']
  openssl(
    'ca',
    '-batch',
    '-config',
    'ca.cnf',
    '-cert',
    'ca.pem',
    '-keyfile',
    'ca.key',
    '-in',
    'server.csr',
    '-out',
    'server.pem',
    ...dates,
    '-extfile',
    'names',
    '-notext',
  )
  chmodSync(at('server.key'), 0o600)
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return (server.address() as AddressInfo).port
    }),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, 'edge-agent/main.ts'), ...args],
      { cwd: root, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    child.stdin?.end()
  })
}
