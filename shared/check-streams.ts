/** The check of the streams a service needs: are they there, how full, and do their limits fit where they are stored. The same for hub and core. */
import type { CheckContext } from './check-context.ts'
import { humanBytes, spaceOf } from './check-host.ts'
import { serverAddresses } from './check-network.ts'
import { bad, type Check, cannotTell, pass, warn } from './checks.ts'

export interface WantedStream {
  readonly name: string
  /** On another server, reached through this one. */
  readonly domain?: string
}

export function streamsCheck(id: string, title: string, wanted: (context: CheckContext) => readonly WantedStream[]): Check<CheckContext> {
  return {
    id,
    title,
    about:
      'Each stream: is it there, how much of its limit is used, and is there room for the limits together, on this disk when the server is on this machine. A full stream refuses, and the sender keeps what it has: nothing is lost, but nothing moves.',
    remedy:
      'Streams are made by the hub and the core when they start. Full: whoever reads it does not keep up or does not run. No room: give the server’s store_dir a larger disk, or lower the limits (nats.inboxMaxBytes).',
    after: ['hub-nats'],
    run: async (context) => {
      const probe = await context.probe()
      const found = await Promise.all(
        wanted(context).map(async ({ name, domain }) => ({ name, facts: await probe.stream(name, domain).catch(() => 'silent' as const) })),
      )
      const silent = found.filter(({ facts }) => facts === 'silent').map(({ name }) => name)
      const missing = found.filter(({ facts }) => facts === undefined).map(({ name }) => name)
      const facts = found.flatMap((one) => (typeof one.facts === 'object' ? [one.facts] : []))
      const fullest = Math.max(0, ...facts.map(({ bytes, maxBytes }) => (maxBytes > 0 ? bytes / maxBytes : 0)))
      const value = Math.round(fullest * 1000) / 1000
      const words = facts
        .map(({ name, messages, bytes, maxBytes }) => `${name} ${messages} messages, ${humanBytes(bytes)} of ${humanBytes(maxBytes)}`)
        .join('; ')
      if (missing.length > 0)
        return warn(
          value,
          `not there yet: ${missing.join(', ')}${words === '' ? '' : `; ${words}`}`,
          'start the hub, or the core: they make their streams',
        )
      if (silent.length > 0)
        return warn(value, `no answer about ${silent.join(', ')}; ${words}`, 'is the link to the core up? the hub works on without it')
      if (fullest > 0.9) return bad(value, words, 'see who reads the full one; until then senders keep what they have')
      const limits = facts.reduce((sum, { maxBytes, bytes }) => sum + Math.max(0, maxBytes - bytes), 0)
      const local = serverAddresses(context.nats.url).every(({ host }) => host === 'localhost' || host === '::1' || host.startsWith('127.'))
      const allowed = await probe.storageLimit().catch(() => undefined)
      const free = local ? (await spaceOf(context.settings.dataDir)).freeBytes : undefined
      const room = Math.min(allowed ?? Number.POSITIVE_INFINITY, free ?? Number.POSITIVE_INFINITY)
      if (room < limits)
        return warn(
          value,
          `${words}; they may grow by ${humanBytes(limits)}, and there is room for ${humanBytes(room)}`,
          'a larger disk for the server, or lower limits',
        )
      return facts.length === 0 ? cannotTell('nothing is known of any stream') : pass(value, words)
    },
  }
}
