/** Which nats-server a program is, and whether it is fit for use: earlier ones have open holes (2.12.12 or 2.14.3 are the first without). */
import { execFile } from 'node:child_process'

const answerWithinMs = 5000

/** The version a server's program tells, such as `2.14.5`; rejects with the reason in one line. */
export function serverVersion(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, ['--version'], { timeout: answerWithinMs }, (error, stdout, stderr) => {
      const version = /v?(\d+\.\d+\.\d+\S*)/.exec(`${stdout}${stderr}`)?.[1]
      if (version !== undefined && !error) return resolve(version)
      reject(new Error(error ? reasonOf(error) : 'tells no version'))
    })
  })
}

export function isFit(version: string): boolean {
  const match = /^(\d+)\.(\d+)\.(\d+)(-\S+)?$/.exec(version)
  if (!match || match[4]) return false
  const [major = 0, minor = 0, patch = 0] = match.slice(1, 4).map(Number)
  if (major === 2 && minor === 12) return patch >= 12
  if (major === 2 && minor === 14) return patch >= 3
  return major > 2 || (major === 2 && minor > 14)
}

function reasonOf(error: Error & { code?: unknown; killed?: boolean }): string {
  if (error.killed) return `did not tell its version within ${answerWithinMs / 1000} s`
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EACCES') return 'is not executable'
  return `does not run (${error.code ?? error.message.split('\n')[0]})`
}
