/** Says which ports of a plan are taken, and by whom where the machine tells. It never looks for another port: that is the person's choice. */
import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import type { Port } from './port-plan.ts'

export interface TakenPort extends Port {
  /** Such as `mosquitto (pid 812)`; undefined where it cannot be known. */
  readonly holder: string | undefined
  readonly commandLine: string | undefined
}

export async function takenPorts(ports: readonly Port[]): Promise<TakenPort[]> {
  const free = await Promise.all(ports.map((port) => (port.protocol === 'tcp' ? isTcpFree(port.number) : isUdpFree(port.number))))
  return ports.filter((_, index) => !free[index]).map((port) => ({ ...port, ...holderOf(port) }))
}

/** One sentence with the holder and the option that helps. */
export function takenSentence(taken: readonly TakenPort[], portBase: number): string {
  const named = taken
    .slice(0, 2)
    .map((port) => `${port.number}/${port.protocol} (${port.use}) is taken${port.holder ? ` by ${port.holder}` : ''}`)
  const more = taken.length > named.length ? `, and ${taken.length - named.length} more` : ''
  return `port ${named.join(', ')}${more}. Stop what holds it, or choose other ports: npm start -- --port-base ${portBase + 1000 > 64_000 ? 14_200 : portBase + 1000}`
}

function isTcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function isUdpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => socket.close(() => resolve(true)))
  })
}

/** Linux tells it in /proc: the socket's inode, and the process that has it open (of other users' processes only root learns that). */
function holderOf(port: Port): Pick<TakenPort, 'holder' | 'commandLine'> {
  const inodes = socketInodes(port)
  if (inodes.size === 0) return { holder: undefined, commandLine: undefined }
  for (const entry of listed('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    for (const descriptor of listed(`/proc/${entry}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${entry}/fd/${descriptor}`))?.[1]
      if (inode && inodes.has(inode)) return { holder: `${programOf(entry)} (pid ${entry})`, commandLine: commandLine(entry) }
    }
  }
  return { holder: undefined, commandLine: undefined }
}

/** `node launch.ts` says more than the thread's name that the kernel shows. */
function programOf(pid: string): string {
  const [program = '', first = ''] = commandLine(pid).split(' ')
  return [basename(program) || 'a process', /^[^-].*[./]/.test(first) ? basename(first) : ''].filter((part) => part !== '').join(' ')
}

const commandLine = (pid: string) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()

function socketInodes(port: Port): Set<string> {
  const inodes = new Set<string>()
  for (const table of [port.protocol, `${port.protocol}6`])
    for (const line of read(`/proc/net/${table}`).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      const local = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)
      const isListening = port.protocol === 'udp' || fields[3] === '0A'
      if (local === port.number && isListening && fields[9]) inodes.add(fields[9])
    }
  return inodes
}

const orElse = <T>(work: () => T, fallback: T): T => {
  try {
    return work()
  } catch {
    // A process that ended meanwhile, or one of another user.
    return fallback
  }
}
const listed = (folder: string) => orElse(() => readdirSync(folder), [])
const read = (file: string) => orElse(() => readFileSync(file, 'utf8'), '')
const link = (file: string) => orElse(() => readlinkSync(file), '')
