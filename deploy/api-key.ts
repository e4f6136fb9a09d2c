/** The network's own API key at the core: made once, kept in the data folder for the next start, made anew when the core no longer takes it. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from './data-folder.ts'

export interface ApiKeyInput {
  readonly dataDir: string
  readonly apiUrl: string
  readonly node: string
  readonly root: string
  readonly coreConfig: string
  readonly env: NodeJS.ProcessEnv
}

export async function apiKey(input: ApiKeyInput): Promise<string> {
  const path = join(input.dataDir, 'api.key')
  const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  if (kept !== '' && (await isTaken(input.apiUrl, kept))) return kept
  const made = await createKey(input)
  writeFileAtomically(path, `${made}\n`, 0o600)
  return made
}

async function isTaken(apiUrl: string, key: string): Promise<boolean> {
  const response = await fetch(`${apiUrl}/v1/alerts?limit=1`, {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(5000),
  })
  await response.arrayBuffer()
  return response.status !== 401 && response.status !== 403
}

function createKey(input: ApiKeyInput): Promise<string> {
  const args = [
    join(input.root, 'core', 'main.ts'),
    'key',
    'create',
    '--tenant',
    'default',
    '--scopes',
    'all',
    '--name',
    'npm start',
    '--config',
    input.coreConfig,
    '--json',
  ]
  return new Promise((resolve, reject) => {
    execFile(input.node, args, { env: input.env, timeout: 20_000 }, (error, stdout, stderr) => {
      const key = keyIn(stdout)
      if (key !== undefined && !error) return resolve(key)
      reject(new Error(`no API key could be made at the core: ${reasonIn(stdout) ?? (stderr.trim().split('\n').at(-1) || String(error))}`))
    })
  })
}

function keyIn(output: string): string | undefined {
  const { key } = parsed(output)
  return typeof key === 'string' ? key : undefined
}

const reasonIn = (output: string) => parsed(output).error?.message

function parsed(output: string): { key?: unknown; error?: { message?: string } } {
  try {
    return JSON.parse(output)
  } catch {
    return {}
  }
}
