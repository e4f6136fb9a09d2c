/**
 * Stands beside the launcher for programs that do not watch a pipe themselves (nats-server): when the launcher dies, however it dies, the pipe
 * on stdin closes, and what was named on it is stopped. Lines in: `+ <pid>` watch, `- <pid>` forget. Grace first: services drain through the servers.
 */
import { createInterface } from 'node:readline'

const servicesDrainMs = 4000
const serversStopMs = 4000

const watched = new Set<number>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const pid = Number(line.slice(2))
  if (!Number.isInteger(pid) || pid <= 1) return
  if (line.startsWith('+')) watched.add(pid)
  else watched.delete(pid)
})
lines.on('close', async () => {
  if (watched.size === 0) return
  await pause(servicesDrainMs)
  signalAll('SIGTERM')
  for (let waitedMs = 0; waitedMs < serversStopMs && [...watched].some(isAlive); waitedMs += 100) await pause(100)
  signalAll('SIGKILL')
})

function signalAll(signal: NodeJS.Signals): void {
  for (const pid of watched)
    try {
      process.kill(pid, signal)
    } catch {
      watched.delete(pid)
    }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
