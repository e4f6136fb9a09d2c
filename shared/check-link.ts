/**
 * The checks of the way to a NATS server, layer by layer and each after the one below it: name, connection, certificate, server, rights,
 * round trip, goodput, path, clock. Data cost of all together: about 600 kB.
 */
import { readFileSync } from 'node:fs'
import { isRefusal, type Permission, probeWords } from './adapters/nats-probe.ts'
import type { CheckContext, CommonConfig } from './check-context.ts'
import { humanBytes, quantile } from './check-host.ts'
import {
  connectionWords,
  connectTcp,
  mtuTowards,
  readChain,
  resolveName,
  type ServerAddress,
  serverAddresses,
  tcpSegments,
} from './check-network.ts'
import { bad, type Check, cannotTell, type Finding, pass, warn } from './checks.ts'

export interface LinkOptions {
  /** "the region’s server", for the words. */
  readonly who: string
  /** The setting with its address. */
  readonly setting: string
  readonly publishes: (config: never) => readonly string[]
  readonly subscribes: (config: never) => readonly string[]
  /** A stream of that server, whose description tells the server's time. */
  readonly stream: string
}

export function linkChecks<C extends CommonConfig>(options: LinkOptions): readonly Check<CheckContext<C>>[] {
  const { who, setting } = options
  const addresses = (context: CheckContext<C>) => serverAddresses(context.nats.url)
  return [
    {
      id: 'hub-dns',
      title: 'the server’s name is known',
      about: `Looks up the name of ${who} (\`${setting}\`) as the service does: through the system’s resolver, /etc/hosts included.`,
      remedy: 'Correct the name, or the name server in /etc/resolv.conf; an IP address in the settings does without one.',
      after: ['config'],
      run: (context, signal) =>
        firstThatWorks(
          addresses(context),
          async ({ host }) => {
            const ips = await resolveName(host, signal)
            return pass(ips[0] ?? null, `${host} is ${ips.slice(0, 4).join(', ')}`)
          },
          (address, error) => bad(address.host, `${address.host}: ${connectionWords(error)}`, `correct ${setting} or the name server`),
        ),
    },
    {
      id: 'hub-tcp',
      title: 'the server’s port is open',
      about: `Connects to ${who} (\`${setting}\`) and hangs up.`,
      remedy:
        'Refused: the server is not running, or listens elsewhere. Timed out: a firewall on the way. No route: the backhaul is down. Events are kept on this machine meanwhile.',
      after: ['hub-dns'],
      run: (context, signal) =>
        firstThatWorks(
          addresses(context),
          async (address) => {
            const tookMs = Math.round((await connectTcp(address, signal)) * 10) / 10
            return pass(tookMs, `${address.text} answers in ${tookMs} ms`)
          },
          (address, error) =>
            bad(
              address.text,
              `${address.text}: ${connectionWords(error)}`,
              `check that a nats-server listens there, the firewall, and ${setting}`,
            ),
        ),
    },
    {
      id: 'hub-tls',
      title: 'the server’s certificate is good',
      about:
        'With `tls://` in the address: is the chain trusted, and how many days are left of the certificate in it that ends first. Without: the link is not encrypted.',
      remedy:
        'Renew the certificate on the server before it ends, or name the right CA (`caFile`). Agents keep their events while the server cannot be trusted.',
      after: ['hub-tcp'],
      run: (context, signal) => judgeChain(context, addresses(context), who, signal),
    },
    {
      id: 'hub-nats',
      title: 'the NATS server lets us in and is recent enough',
      about:
        'Connects as the service does, with its user, password and certificates. Servers below 2.14.3 (2.12.12 of that line) have open holes, below 2.10 cannot sync on every write.',
      remedy:
        'Refused: correct the user or the content of the password file; it is read anew at every attempt, no restart is needed. Too old: install nats-server 2.14.5.',
      after: ['hub-tls'],
      run: (context) => judgeServer(context, who),
    },
    {
      id: 'hub-permissions',
      title: 'we may say and hear what we need',
      about:
        'Asks for each subject the service uses. Publishing is tried with a message that no stream takes (it expects one that does not exist), so nothing is stored.',
      remedy: 'Give the user of this service the subjects named, in the server’s `permissions`.',
      after: ['hub-nats'],
      run: (context) => judgePermissions(context, options),
    },
    {
      id: 'hub-rtt',
      title: 'round trips come back quickly',
      about:
        'Twenty round trips; and how many TCP segments this machine had to send again meanwhile and since it started, which is what loss looks like from here.',
      remedy: 'Above 500 ms, or with more than 2 % sent again, the backhaul is ill: check signal, antenna, duplex, queueing on the way.',
      after: ['hub-nats'],
      waitsFor: ['fsync'],
      run: async (context, signal) => {
        const before = tcpSegments()
        const took = await (await context.probe()).roundTrips(20, signal)
        const after = tcpSegments()
        if (took.length < 20) return warn(took.length, `only ${took.length} of 20 round trips came back in time`, 'check the backhaul')
        const medianMs = Math.round(quantile(took, 0.5) * 100) / 100
        const share = after === undefined || after.sent === 0 ? 0 : after.again / after.sent
        const again = before === undefined || after === undefined ? 0 : after.again - before.again
        const words = `median ${medianMs} ms, worst ${Math.max(...took).toFixed(1)} ms; ${again} segments sent again meanwhile, ${(share * 100).toFixed(2)} % since start`
        return medianMs > 500 || share > 0.02 ? warn(medianMs, words, 'check the backhaul') : pass(medianMs, words)
      },
    },
    {
      id: 'hub-goodput',
      title: 'the link carries enough',
      about: 'Thirty-two messages of 8 KiB to our own inbox on the server and back, at most a second and a half.',
      remedy:
        'A full agent sends some tens of kB/s. Below 8 KiB/s bound it (`uplink.bytesPerSecond`) so that other traffic lives, or mend the link.',
      after: ['hub-rtt'],
      run: async (context, signal) => {
        const { sent, back, bytesPerSecond, refused } = await (await context.probe()).echo(
          32,
          8192,
          AbortSignal.any([signal, AbortSignal.timeout(1_500)]),
        )
        if (refused)
          return cannotTell('this user may not write to its own inbox, so nothing can be measured', 'nothing needs it but this check')
        const value = Math.round(bytesPerSecond)
        const words = `${humanBytes(value)}/s each way, ${back} of ${sent} messages came back`
        if (back < sent && value >= 8192) return pass(value, `${words} in the time there was`)
        return value < 8192 ? warn(value, words, 'check the backhaul') : pass(value, words)
      },
    },
    {
      id: 'hub-mtu',
      title: 'packets are not cut up on the way',
      about:
        'The MTU of the interface towards the server, and the path’s where the kernel has learnt it. Tunnels below 1280 bytes cut IPv6 and slow TCP down.',
      remedy: 'Set the interface’s MTU to what the tunnel carries, and let ICMP “packet too big” through.',
      after: ['hub-dns'],
      run: async (context, signal) => {
        const [ip] = await resolveName(addresses(context)[0]!.host, signal)
        const found = ip === undefined ? undefined : await mtuTowards(ip, signal)
        if (found === undefined) return cannotTell('this system does not tell the way')
        const mtu = found.pathMtu ?? found.mtu
        const words = `${found.mtu} bytes on ${found.device}${found.pathMtu === undefined ? '' : `, ${found.pathMtu} on the path`}`
        return mtu < 1280 ? warn(mtu, words, 'raise it to at least 1280, or 1420 in a tunnel') : pass(mtu, words)
      },
    },
    {
      id: 'clock-offset',
      title: 'this clock agrees with the server’s',
      about: `The difference to the clock of ${who}, from the time in its answer about a stream. More than two minutes ahead, events are windowed by arrival.`,
      remedy: 'See [clock-source](clock-source.md); if this clock is right, the server’s is wrong.',
      after: ['hub-nats'],
      run: async (context) => {
        const found = await (await context.probe()).clockOffset(options.stream)
        if (found === undefined) return cannotTell(`${who} does not tell its time (no stream ${options.stream} yet, or no right to ask)`)
        const offsetMs = Math.round(found.offsetMs)
        const words = `${Math.abs(offsetMs)} ms ${offsetMs < 0 ? 'behind' : 'ahead of'} the server, within ${Math.ceil(found.withinMs)} ms`
        const fix = 'let chrony or timesyncd reach a time server'
        if (Math.abs(offsetMs) > 120_000 + found.withinMs) return bad(offsetMs, words, fix)
        return Math.abs(offsetMs) > 1_000 + found.withinMs ? warn(offsetMs, words, fix) : pass(offsetMs, words)
      },
    },
  ]
}

/** It ends on this machine already: that says nothing about the server. */
const offlineCodes = new Set(['ENETUNREACH', 'ENETDOWN', 'EAI_AGAIN'])

/** The verdict of the first address that works; when none does, what was wrong with the first. */
async function firstThatWorks(
  addresses: readonly ServerAddress[],
  look: (address: ServerAddress) => Promise<Finding>,
  failed: (address: ServerAddress, error: unknown) => Finding,
): Promise<Finding> {
  let worst: Finding | undefined
  for (const address of addresses) {
    try {
      return await look(address)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      worst ??= offlineCodes.has(code)
        ? cannotTell(
            `${address.text}: ${connectionWords(error)}: this machine is off line, so nothing is known of what is beyond`,
            'mend the backhaul; events are kept here meanwhile',
          )
        : failed(address, error)
    }
  }
  return worst ?? bad(null, 'no address is given', 'name the server')
}

async function judgeChain<C extends CommonConfig>(
  context: CheckContext<C>,
  addresses: readonly ServerAddress[],
  who: string,
  signal: AbortSignal,
): Promise<Finding> {
  const { access } = context.nats
  const encrypted = addresses.filter(({ tls }) => tls)
  if (encrypted.length === 0 && access?.caFile === undefined) {
    const local = addresses.every(({ host }) => host === 'localhost' || host === '::1' || host.startsWith('127.'))
    return local
      ? pass('none', 'not encrypted, and does not leave this machine')
      : warn('none', `the link to ${who} is not encrypted`, 'use tls:// in the address and a certificate on the server')
  }
  const address = encrypted[0] ?? addresses[0]!
  let ca: string | undefined
  try {
    ca = access?.caFile === undefined ? undefined : readFileSync(access.caFile, 'utf8')
  } catch (error) {
    return bad(access?.caFile ?? null, `the CA file cannot be read: ${connectionWords(error)}`, 'correct the path of caFile, or its mode')
  }
  try {
    const chain = await readChain(address, { ca, speaksFirst: true }, signal)
    const days = Math.floor(chain.daysLeft)
    const about = `${chain.endsFirst}, ${days} days left`
    if (chain.daysLeft <= 0)
      return bad(
        days,
        `the certificate of ${address.text} (${chain.endsFirst}) expired ${-days} days ago`,
        'renew it on the server; nothing is lost meanwhile',
      )
    if (!chain.trusted)
      return bad(
        days,
        `${address.text} is not trusted: ${chain.problem} (${chain.subject}, by ${chain.issuer})`,
        'name the CA that signed it (caFile), or use a name the certificate has',
      )
    return days < 30 ? warn(days, about, 'renew it on the server now') : pass(days, about)
  } catch (error) {
    return bad(
      null,
      `${address.text} speaks no TLS: ${connectionWords(error)}`,
      'switch TLS on at the server, or use nats:// in the address',
    )
  }
}

async function judgeServer<C extends CommonConfig>(context: CheckContext<C>, who: string): Promise<Finding> {
  try {
    const probe = await context.probe()
    if (probe.versionProblem !== undefined) return bad(probe.version, probe.versionProblem, 'install nats-server 2.14.5 there')
    if (!probe.jetstream) return bad(probe.version, `${probe.server} runs without JetStream`, 'switch JetStream on in its configuration')
    return pass(probe.version, `nats-server ${probe.version} at ${probe.server}`)
  } catch (error) {
    const { access } = context.nats
    if (!isRefusal(error)) return bad(null, `${who}: ${probeWords(error)}`, 'see the checks before this one')
    return access?.user === undefined
      ? bad('refused', `${who} asks for a user and none is set`, 'set the user and passwordFile in the settings')
      : bad(
          'refused',
          `${who} does not take user “${access.user}” with the password in ${access.passwordFile ?? '(no passwordFile)'}`,
          'correct the content of that file; no restart is needed',
        )
  }
}

async function judgePermissions<C extends CommonConfig>(context: CheckContext<C>, options: LinkOptions): Promise<Finding> {
  const probe = await context.probe()
  const config = context.settings as never
  const asked = await Promise.all([
    ...options.publishes(config).map(async (subject) => ({ subject, verb: 'publish', answer: await probe.mayPublish(subject) })),
    ...options.subscribes(config).map(async (subject) => ({ subject, verb: 'subscribe', answer: await probe.maySubscribe(subject) })),
  ])
  const which = (answer: Permission) => asked.filter((one) => one.answer === answer)
  const refused = which('refused')
  if (refused.length > 0) {
    const list = refused.map(({ verb, subject }) => `${verb} ${subject}`).join(', ')
    return bad(refused.length, `not allowed: ${list}`, 'add them to the permissions of this user on the server')
  }
  const absent = which('absent')
  if (absent.length > 0)
    return warn(
      absent.length,
      `allowed, but no stream takes ${absent.map(({ subject }) => subject).join(', ')} yet`,
      'the hub (or core) makes its streams when it starts: start it',
    )
  const unknown = which('unknown')
  if (unknown.length > 0) return cannotTell(`the server gave no clear answer for ${unknown.map(({ subject }) => subject).join(', ')}`)
  return pass(asked.length, `${asked.length} subjects, all allowed`)
}
