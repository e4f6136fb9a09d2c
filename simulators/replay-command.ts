/** `replay`: sends a drive-test trace to one agent as the network would have reported the phone. */
import { readFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { createLog } from '#shared/log.ts'
import type { Component } from '#shared/ports.ts'
import { sleep } from '#shared/retry.ts'
import { runCommand, runService } from '#shared/service.ts'
import { MqttPublisher } from './adapters/mqtt-publisher.ts'
import { numberOption, parseReplayTarget, refuseUnknown, UsageError } from './command-line.ts'
import type { Message } from './delivery.ts'
import { readTrace, traceName } from './drive-trace.ts'
import { Fleet } from './fleet.ts'
import { lastWords } from './last-words.ts'
import { identityForTrace, replayTrace } from './replay.ts'

export const replayCommand = defineCommand({
  meta: { name: 'replay', description: 'Send a drive-test CSV as a phone’s reports (MQTT, QoS 1).' },
  args: {
    trace: { type: 'positional', required: true, description: 'trace, .csv or .csv.gz' },
    target: { type: 'string', description: 'mqtt=URL of one agent', default: 'mqtt=mqtt://127.0.0.1:1883' },
    source: { type: 'string', description: 'source in the topic (default: the trace’s name)' },
    imsi: { type: 'string', description: 'the phone’s IMSI (default: made from the trace’s name, as msisdn and imei are)' },
    msisdn: { type: 'string', description: 'its number, as the registration says' },
    imei: { type: 'string', description: 'its IMEI' },
    gps: { type: 'boolean', description: 'send the GPS fixes too (then positions cannot be judged by them)' },
    speed: { type: 'string', description: 'trace seconds per second', default: '1' },
    'as-fast': { type: 'boolean', description: 'as fast as the agent acknowledges' },
    'shift-to-now': { type: 'boolean', description: 'move the trace so that it ends now' },
    user: { type: 'string', description: 'MQTT user' },
    'password-file': { type: 'string', description: 'file that holds the MQTT password' },
    json: { type: 'boolean', description: 'summary as one JSON object' },
  },
  run: ({ args, rawArgs }) =>
    runCommand('tributary-sim', async () => {
      refuseUnknown(rawArgs, replayCommand)
      const rows = readTrace(args.trace)
      if (rows.length === 0) throw new UsageError(`${args.trace}: no rows with a position`)
      const made = identityForTrace(traceName(args.trace))
      const identity = { imsi: args.imsi ?? made.imsi, msisdn: args.msisdn ?? made.msisdn, imei: args.imei ?? made.imei }
      const shiftMs = args['shift-to-now'] ? Date.now() - rows.at(-1)!.timeMs : 0
      const messages = replayTrace(rows, { source: args.source ?? traceName(args.trace), identity, shiftMs, gps: args.gps === true })
      const speed = args['as-fast'] ? Number.POSITIVE_INFINITY : numberOption('speed', args.speed, { min: 0.001 })!
      const password = args['password-file'] === undefined ? undefined : readFileSync(args['password-file'], 'utf8').trimEnd()
      const log = createLog({ service: 'simulator', name: 'replay', level: 'info' })
      const fleet = new Fleet(['replay'], [{ region: 'replay', mqtt: [parseReplayTarget(args.target)] }], {
        connectionsPerAgent: 1,
        holdPerAgent: Number.POSITIVE_INFINITY,
        arraySize: 1,
        connect: (url) =>
          new MqttPublisher({ url, clientId: `replay-${process.pid}`, user: args.user, password, maxInFlight: 200, random: Math.random }),
      })
      const summary = () => ({
        trace: traceName(args.trace),
        ...identity,
        shiftMs,
        from: new Date(rows[0]!.timeMs + shiftMs).toISOString(),
        to: new Date(rows.at(-1)!.timeMs + shiftMs).toISOString(),
        published: fleet.counts.published,
        acknowledged: fleet.counts.acknowledged,
      })
      const say = () => {
        const { trace, msisdn, from, to, published, acknowledged } = summary()
        return `${trace}: ${acknowledged} of ${published} events acknowledged, ${from} to ${to} (shifted by ${shiftMs} ms), number ${msisdn}\n`
      }
      await runService({
        name: 'replay',
        log,
        stopDeadlineMs: 4_000,
        build: async (_signal, die, finish) => [
          lastWords(() => (args.json ? `${JSON.stringify(summary())}\n` : say())),
          new Replay({ messages, fleet, speed, finished: () => finish('the trace is over'), failed: die }),
        ],
      })
    }),
})

interface ReplayOptions {
  readonly messages: readonly Message[]
  readonly fleet: Fleet
  readonly speed: number
  readonly finished: () => void
  readonly failed: (error: unknown) => void
}

class Replay implements Component {
  readonly name = 'replay'
  readonly #options: ReplayOptions
  readonly #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: ReplayOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#options.fleet.open()
    this.#running = this.#send().catch((error) => {
      if (!this.#abort.signal.aborted) this.#options.failed(error)
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
    await this.#options.fleet.close()
  }

  async #send(): Promise<void> {
    const { messages, fleet, speed, finished } = this.#options
    const { signal } = this.#abort
    const startedAt = performance.now()
    const firstMs = messages[0]?.sendAtMs ?? 0
    for (const [sent, message] of messages.entries()) {
      const waitMs = startedAt + (message.sendAtMs - firstMs) / speed - performance.now()
      if (waitMs > 1) await sleep(waitMs, signal)
      else if (sent % 500 === 499) await sleep(0, signal)
      fleet.send(message)
    }
    while (fleet.held > 0) await sleep(10, signal)
    finished()
  }
}
