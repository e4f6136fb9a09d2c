/** The checks of what comes in: the broker's exposure and certificate, a message to and fro, events and rejections per tap, cells. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { bad, type Check, cannotTell, notRunning, pass, warn } from '#shared/checks.ts'
import { describeError } from '#shared/errors.ts'
import type { AgentCheckContext } from './agent-check-context.ts'

type One = Check<AgentCheckContext>

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')

const exposure: One = {
  id: 'mqtt-exposure',
  title: 'devices must say who they are',
  about: 'A broker that others can reach takes events from whoever connects, unless it asks for a credential or a certificate.',
  remedy: 'Hash a password with `tributary-agent password`, put it in `mqtt.users`, or use `mqtt.tls.requireCertificate`.',
  after: ['config'],
  run: ({ settings: { mqtt } }) => {
    if (!mqtt.enabled) return pass(null, 'the embedded broker is switched off')
    const asked = mqtt.users.length > 0 || mqtt.tls?.requireCertificate === true
    if (isLoopback(mqtt.host)) return pass(mqtt.host, `${mqtt.host}:${mqtt.port}, this machine only${asked ? ', with credentials' : ''}`)
    if (asked) {
      return mqtt.tls === undefined
        ? warn(mqtt.host, `${mqtt.host}:${mqtt.port}: passwords cross the network in clear`, 'set mqtt.tls')
        : pass(mqtt.host, `${mqtt.host}:${mqtt.port}, with credentials over TLS`)
    }
    return mqtt.allowAnonymous
      ? warn(mqtt.host, `${mqtt.host}:${mqtt.port} takes anybody’s events (mqtt.allowAnonymous)`, 'set mqtt.users')
      : bad(
          mqtt.host,
          `${mqtt.host}:${mqtt.port} can be reached by others and no users are set: it will not start`,
          'set mqtt.users, or mqtt.host to 127.0.0.1',
        )
  },
}

const brokerCertificate: One = {
  id: 'mqtt-tls',
  title: 'the broker’s own certificate is good',
  about: 'With `mqtt.tls`: can the files be read, and how many days are left.',
  remedy: 'Renew the certificate; devices that check it stay away once it has ended.',
  after: ['config'],
  run: ({ settings: { mqtt } }) => {
    if (mqtt.tls === undefined) return pass('none', 'no TLS is configured for devices')
    const { certFile, keyFile } = mqtt.tls
    try {
      const certificate = new X509Certificate(readFileSync(certFile))
      readFileSync(keyFile)
      const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / 86_400_000)
      const subject = certificate.subject.replaceAll('\n', ', ')
      if (days < 0) return bad(days, `${certFile} (${subject}) expired ${-days} days ago`, 'renew it and restart the agent')
      return days < 30
        ? warn(days, `${certFile} (${subject}): ${days} days left`, 'renew it now')
        : pass(days, `${subject}: ${days} days left`)
    } catch (error) {
      return bad(null, `mqtt.tls: ${describeError(error)}`, `correct ${certFile} and ${keyFile}`)
    }
  },
}

const loopback: One = {
  id: 'mqtt-loopback',
  title: 'a message is taken and acknowledged',
  about:
    'Connects to the running agent’s broker as a device, publishes to `tributary/v1/probe` with QoS 1 and waits for the PUBACK. The agent knows that topic: the message goes through broker and intake and waits for the same commit as any other, but it is no event, so nothing is stored or counted. How long the disk takes is check fsync.',
  remedy:
    'No connection: see ports and running. Refused: give `--user` and `--password-file` of one of `mqtt.users`. Closed without PUBACK: the journal is full or failed, see stores and disk-space.',
  after: ['running'],
  run: async (context) => {
    const { mqtt } = context.settings
    if (!mqtt.enabled) return pass(null, 'the embedded broker is switched off')
    if ((await context.running()) === undefined) return notRunning
    const refusal = (await context.site())?.journal.refusal
    if (refusal !== undefined && refusal !== '')
      return bad('refused', `devices are not acknowledged: ${refusal}`, 'see disk-space, fsync and stores')
    if (context.probes.mqttLoopback === undefined) return cannotTell('only doctor looks at it')
    if (mqtt.users.length > 0 && context.device.user === undefined) {
      return cannotTell('devices need a credential here and none was given', 'doctor --user NAME --password-file FILE')
    }
    try {
      const tookMs = Math.round((await context.probes.mqttLoopback()) * 10) / 10
      return tookMs > 1_000
        ? warn(tookMs, `PUBACK after ${tookMs} ms`, 'see fsync, and the load of this machine')
        : pass(tookMs, `PUBACK after ${tookMs} ms`)
    } catch (error) {
      const words = describeError(error)
      const refused = /not authorized|bad user|identifier rejected/i.test(words)
      return refused
        ? bad(
            'refused',
            `the broker does not take user “${context.device.user}” with that password`,
            'correct the password file, or hash the password anew: tributary-agent password',
          )
        : bad(null, `${mqtt.host}:${mqtt.port}: ${words}`, 'see ports, running, disk-space')
    }
  },
}

const firstEvent: One = {
  id: 'first-event',
  title: 'each tap has brought something',
  about:
    'Per configured tap: when its first and its last event came since the agent started. Silence over half an hour is suspicious on a live site.',
  remedy:
    'Look with `tributary-agent tap`; send one by hand with mosquitto_pub; check cabling, firewall, the exporter’s target address and port.',
  after: ['running'],
  run: async (context) => {
    const site = await context.site()
    if (site === undefined) return notRunning
    const { mqtt, netflow, ndpi, brokers } = context.settings
    const wanted = [
      ...(mqtt.enabled || brokers.length > 0 ? ['mqtt'] : []),
      ...(netflow.enabled ? ['netflow'] : []),
      ...(ndpi.length > 0 ? ['ndpi'] : []),
    ]
    const ago = (ms: number) => `${Math.max(0, Math.round((site.nowMs - ms) / 1000))} s ago`
    const seen = site.taps.map(({ tap, firstEventMs, lastEventMs }) => `${tap}: first ${ago(firstEventMs)}, last ${ago(lastEventMs)}`)
    const silent = wanted.filter((tap) => !site.taps.some((one) => one.tap === tap))
    const words = [...seen, ...silent.map((tap) => `${tap}: nothing yet`)].join('; ')
    const upS = Math.round((site.nowMs - site.startedMs) / 1000)
    if (site.taps.length === 0) return warn(0, `${words}, ${upS} s after the start`, 'send one: mosquitto_pub, or see tributary-agent tap')
    const stale = site.taps.filter(({ lastEventMs }) => site.nowMs - lastEventMs > 1_800_000)
    return stale.length > 0
      ? warn(site.taps.length, words, `look at ${stale.map(({ tap }) => tap).join(', ')}`)
      : pass(site.taps.length, words)
  },
}

const rejections: One = {
  id: 'rejected-share',
  title: 'few events are rejected',
  about:
    'Per tap: the share of events that were rejected since the start, and the commonest reason. Rejected events are acknowledged and kept as dead letters, masked.',
  remedy: 'The reason names what was wrong (docs/events.md has the bounds of each field); correct it at the device or exporter.',
  after: ['running'],
  run: async (context) => {
    const site = await context.site()
    if (site === undefined) return notRunning
    const taps = site.taps.map(({ tap, accepted, rejected, duplicate, reasons }) => {
      const share = rejected / Math.max(1, accepted + rejected + duplicate)
      const [reason, count] = Object.entries(reasons).sort(([, a], [, b]) => b - a)[0] ?? []
      const why = reason === undefined ? '' : `, mostly ${reason} (${count})`
      return { share, words: `${tap}: ${(share * 100).toFixed(1)} % of ${accepted + rejected + duplicate}${why}` }
    })
    if (taps.length === 0) return cannotTell('nothing has come yet')
    const worst = Math.round(Math.max(...taps.map(({ share }) => share)) * 10_000) / 10_000
    const words = taps.map((one) => one.words).join('; ')
    const fix = 'correct the field named at the device; bounds are in docs/events.md'
    if (worst > 0.5) return bad(worst, words, fix)
    return worst > 0.01 ? warn(worst, words, fix) : pass(worst, words)
  },
}

const cells: One = {
  id: 'cells',
  title: 'the region knows this site’s cells',
  about:
    'Compares the cells that were named since the start with those the region’s console says it has no place for (`hub.consoleUrl`). Events of an unknown cell are kept, but nobody can put them on a map.',
  remedy: 'Add the cells to the hub’s inventory (`cells.file`), or correct the cell that the device or tap is configured with.',
  after: ['running'],
  run: async (context, signal) => {
    const { consoleUrl } = context.settings.hub
    if (consoleUrl === undefined) return cannotTell('hub.consoleUrl is not set, so nobody can be asked')
    const site = await context.site()
    if (site === undefined || site.cells.length === 0) return cannotTell('no cell has been named yet')
    const response = await fetch(`${consoleUrl.replace(/\/$/, '')}/api/unknown-cells`, { signal }).catch(() => undefined)
    if (response?.ok !== true) return cannotTell(`${consoleUrl} does not answer`)
    const { items } = (await response.json()) as { items: readonly { cell: string }[] }
    const unknown = site.cells.filter((cell) => items.some((one) => one.cell === cell))
    const words = `${site.cells.length} cells named, ${unknown.length} not in the inventory`
    return unknown.length === 0
      ? pass(0, words)
      : warn(unknown.length, `${words}: ${unknown.slice(0, 5).join(', ')}`, 'add them to the hub’s inventory')
  },
}

export const tapChecks: readonly One[] = [exposure, brokerCertificate, loopback, firstEvent, rejections, cells]
