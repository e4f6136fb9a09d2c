/**
 * Facts about the machine that checks judge: file systems, disks, clocks, limits, ports and who holds them. Reads only; a fact that this
 * system does not tell is undefined, never an error.
 */
import { execFile } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setImmediate as immediately } from 'node:timers/promises'

export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** The folder itself, or the nearest one above it that is there. */
export function standingFolder(path: string): string {
  let at = resolve(path)
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  return at
}

export interface Mount {
  readonly point: string
  readonly kind: string
  readonly device: string
  readonly readOnly: boolean
}

/** The mount a path lies on, from the table of mounts: the longest mount point that leads to it. */
export function mountOf(path: string, table = readText('/proc/self/mounts')): Mount | undefined {
  const target = resolve(path)
  let found: Mount | undefined
  for (const line of table?.split('\n') ?? []) {
    const [device = '', rawPoint = '', kind = '', options = ''] = line.split(' ')
    const point = rawPoint.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if (point === '' || !(target === point || target.startsWith(point === '/' ? '/' : `${point}/`))) continue
    if (found === undefined || point.length >= found.point.length) {
      found = { point, kind, device, readOnly: options.split(',').includes('ro') }
    }
  }
  return found
}

/** Bytes this user may still write there, and the size of the volume. */
export async function spaceOf(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(standingFolder(path))
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/**
 * Milliseconds of each of `times` small writes made durable, in a file that is removed again. Stops at the signal. Synchronous, one at a time: so
 * it is the disk that is measured, not what else this process does.
 */
export async function measureFsync(folder: string, times: number, signal: AbortSignal): Promise<number[]> {
  const file = join(folder, `.doctor-${process.pid}-${Math.random().toString(36).slice(2)}`)
  const took: number[] = []
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    const block = Buffer.alloc(4096, 0x5a)
    for (let at = 0; at < times && !signal.aborted; at++) {
      writeSync(descriptor, block, 0, block.length, at * block.length)
      const startedMs = performance.now()
      fdatasyncSync(descriptor)
      took.push(performance.now() - startedMs)
      await immediately()
    }
  } finally {
    closeSync(descriptor)
    rmSync(file, { force: true })
  }
  return took
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** What keeps the clock right, as far as the system says; undefined when it says nothing. */
export async function clockSource(signal: AbortSignal): Promise<{ name: string; synchronised: boolean; offsetMs?: number } | undefined> {
  const chrony = await said('chronyc', ['-c', 'tracking'], signal)
  if (chrony !== undefined) {
    const fields = chrony.trim().split(',')
    const stratum = Number(fields[2])
    if (fields.length >= 5)
      return { name: 'chrony', synchronised: stratum > 0 && stratum < 16, offsetMs: Math.abs(Number(fields[4])) * 1000 }
  }
  if (existsSync('/run/systemd/timesync/synchronized')) return { name: 'systemd-timesyncd', synchronised: true }
  const timedate = await said('timedatectl', ['show', '-p', 'NTP', '-p', 'NTPSynchronized'], signal)
  if (timedate !== undefined && /NTPSynchronized=/.test(timedate)) {
    const synchronised = /NTPSynchronized=yes/.test(timedate)
    if (synchronised || /NTP=yes/.test(timedate)) return { name: 'timedatectl', synchronised }
    return { name: 'none (timedatectl: NTP=no)', synchronised: false }
  }
  const ntpd = await said('ntpq', ['-c', 'rv 0 leap,stratum,offset'], signal)
  if (ntpd !== undefined && /leap=/.test(ntpd)) {
    return { name: 'ntpd', synchronised: !/leap=11/.test(ntpd), offsetMs: Math.abs(Number(/offset=([-\d.]+)/.exec(ntpd)?.[1])) }
  }
  return undefined
}

/** What a program prints; undefined when it is not there, fails, or the signal comes first. */
export function said(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { signal, timeout: 2_000, env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } },
      (error, stdout) => resolve(error === null ? stdout : undefined),
    )
  })
}

/** The address of `host:port` a socket listens on, as /proc/net tells it, and the process that has it where we may see it. */
export interface Holder {
  readonly address: string
  readonly pid: number | undefined
  readonly command: string | undefined
}

export function holderOf(port: number, kind: 'tcp' | 'udp'): Holder | undefined {
  for (const file of [`/proc/net/${kind}`, `/proc/net/${kind}6`]) {
    for (const line of (readText(file) ?? '').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      const [host = '', hexPort = ''] = (fields[1] ?? '').split(':')
      const listens = kind === 'udp' || fields[3] === '0A'
      if (Number.parseInt(hexPort, 16) !== port || !listens) continue
      const pid = processWithSocket(fields[9] ?? '')
      const command = pid === undefined ? undefined : readText(`/proc/${pid}/cmdline`)?.split('\0').filter(Boolean).slice(0, 3).join(' ')
      return { address: addressOf(host), pid, command }
    }
  }
  return undefined
}

export function holderWords({ pid, command }: Holder): string {
  return pid === undefined ? 'a process this user may not see' : `“${command ?? '?'}”, pid ${pid}`
}

function processWithSocket(inode: string): number | undefined {
  for (const pid of attempt(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid)) continue
    for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      if (attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === `socket:[${inode}]`) return Number(pid)
    }
  }
  return undefined
}

function addressOf(hex: string): string {
  if (hex.length === 8) return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.')
  return /^0+$/.test(hex) ? '::' : 'an IPv6 address'
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Bytes this process (or the one named) may use: its cgroup's limit, else the machine's memory. */
export function memoryLimit(pid: number | 'self' = 'self'): { limitBytes: number; from: string } | undefined {
  const path = /^0::(.*)$/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1] ?? ''
  for (const file of [`/sys/fs/cgroup${path}/memory.max`, '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    const bytes = Number(readText(file)?.trim())
    if (Number.isFinite(bytes) && bytes > 0 && bytes < 2 ** 50) return { limitBytes: bytes, from: file }
  }
  const total = /^MemTotal:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')?.[1]
  return total === undefined ? undefined : { limitBytes: Number(total) * 1024, from: '/proc/meminfo' }
}

export function openFilesLimit(pid: number | 'self' = 'self'): number | undefined {
  const text = /^Max open files\s+(\S+)/m.exec(readText(`/proc/${pid}/limits`) ?? '')?.[1]
  return text === undefined ? undefined : text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)
}

export function modeOf(path: string): number | undefined {
  return attempt(() => statSync(path).mode & 0o7777)
}

/** The systemd unit a process runs in, if it does. */
export function unitOf(pid: number | 'self' = 'self'): string | undefined {
  return /([^/]+\.service)(\/|$)/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1]
}

/** 1536 → "1.5 KiB". */
export function humanBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let at = 0
  while (bytes >= 1024 && at < units.length - 1) {
    bytes /= 1024
    at++
  }
  return `${at === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[at]}`
}
