/**
 * Fetches the official nats-server release for this platform and checks it against the release's own SHA256SUMS (both over https).
 * Gives up early where there is no way to the outside: an answer must begin within a few seconds.
 */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { Bringer } from './nats-bringer.ts'
import { natsVersion, placeProgram } from './nats-cache.ts'

const answerWithinMs = 7000
const wholeWithinMs = 150_000
const releases = 'https://github.com/nats-io/nats-server/releases/download'

export const downloadRelease: Bringer = {
  name: 'official release',
  async run(target, deps) {
    const name = archiveName(process.platform, process.arch)
    const base = `${releases}/v${natsVersion}`
    const sums = new TextDecoder().decode(await fetchBytes(`${base}/SHA256SUMS`))
    const expected = checksumOf(sums, name)
    deps.say(`nats-server: fetching ${base}/${name}`)
    const archive = await fetchBytes(`${base}/${name}`)
    const actual = createHash('sha256').update(archive).digest('hex')
    if (actual !== expected) throw new Error(`${name} has SHA-256 ${actual}, the release says ${expected}; not used`)
    placeProgram(target, programIn(gunzipSync(archive)))
  },
}

export function archiveName(platform: string, arch: string): string {
  const system = { linux: 'linux', darwin: 'darwin', freebsd: 'freebsd' }[platform]
  const machine = { x64: 'amd64', arm64: 'arm64', arm: 'arm7', s390x: 's390x', ppc64: 'ppc64le' }[arch]
  if (!system || !machine) throw new Error(`there is no release we can unpack for ${platform} on ${arch}`)
  return `nats-server-v${natsVersion}-${system}-${machine}.tar.gz`
}

export function checksumOf(sums: string, name: string): string {
  for (const line of sums.split('\n')) {
    const [sum, file] = line.trim().split(/\s+\*?/)
    if (file === name && sum && /^[0-9a-f]{64}$/.test(sum)) return sum
  }
  throw new Error(`the release's SHA256SUMS does not list ${name}`)
}

/** The `nats-server` file of a tar archive: 512-byte headers (ustar), each followed by its file padded to 512. */
export function programIn(tar: Uint8Array): Uint8Array {
  const text = (from: number, length: number) => new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = text(at, 100)
    const size = Number.parseInt(text(at + 124, 12).trim() || '0', 8)
    if (!Number.isSafeInteger(size)) break
    if (name.split('/').at(-1) === 'nats-server' && size > 0) return tar.subarray(at + 512, at + 512 + size)
    at += 512 + Math.ceil(size / 512) * 512
  }
  throw new Error('the archive holds no nats-server')
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const abort = new AbortController()
  const answer = setTimeout(
    () => abort.abort(new Error(`no answer from ${new URL(url).host} within ${answerWithinMs / 1000} s`)),
    answerWithinMs,
  )
  const whole = setTimeout(() => abort.abort(new Error(`${url} did not arrive within ${wholeWithinMs / 1000} s`)), wholeWithinMs)
  try {
    const response = await fetch(url, { signal: abort.signal })
    clearTimeout(answer)
    if (!response.ok) throw new Error(`${url} answers ${response.status}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : new Error(reasonOf(error, url))
  } finally {
    clearTimeout(answer)
    clearTimeout(whole)
  }
}

function reasonOf(error: unknown, url: string): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  if (code) return `${new URL(url).host} was not reached (${code})`
  return error instanceof Error ? error.message : String(error)
}
