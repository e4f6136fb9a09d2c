/**
 * What the network's processes inherit: the person's environment, without what npm and the starter put there for us, and without TRIBUTARY_…
 * overrides: one meant for a single service (a port, a data folder) would be taken by all of them at once.
 */
const dropped = /^(npm_|INIT_CWD$|NODE_OPTIONS$|TRIBUTARY_)/
const kept = /^TRIBUTARY_LOG_LEVEL$/

export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept.test(name) || !dropped.test(name)))
}
