/**
 * What the network's processes inherit: the person's environment, without what npm and the starter put there for us, and without TRIBUTARY_…
 * overrides: one meant for a single service (a port, a data folder) would be taken by all of them at once. They share Node's cache of compiled
 * code: the network starts in half the time.
 */
import { join } from 'node:path'
import { cacheFolder } from './nats-cache.ts'

const dropped = /^(npm_|INIT_CWD$|NODE_OPTIONS$|TRIBUTARY_)/
const kept = /^TRIBUTARY_LOG_LEVEL$/

export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => kept.test(name) || !dropped.test(name))
  return { NODE_COMPILE_CACHE: join(cacheFolder(env), 'compiled'), ...Object.fromEntries(inherited) }
}
