/**
 * A lock between processes of one machine: a file that names its holder. It survives what a crash leaves behind: a holder that is dead, or
 * has not touched its file for a minute, holds nothing. It never waits without having said for whom.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'

const touchEveryMs = 2000
const silentAfterMs = 60_000

/** Runs `work` while holding the lock at `path`; waits for another holder, telling `waiting` once. */
export async function withLock(path, { waiting, pollMs = 250 }, work) {
  const mine = `${path}.${process.pid}`
  let told = false
  for (;;) {
    if (take(path, mine)) break
    const holder = readHolder(path)
    if (holder === undefined) continue
    if (isGone(path, holder)) {
      breakLock(path, mine, holder)
      continue
    }
    if (!told) waiting?.(`pid ${holder.pid}`)
    told = true
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  const touch = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date())
    } catch {
      // Taken away by hand: the work goes on, nobody can be told better.
    }
  }, touchEveryMs)
  const release = () => {
    if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true })
  }
  process.once('exit', release)
  try {
    return await work()
  } finally {
    clearInterval(touch)
    process.off('exit', release)
    release()
  }
}

/** A link appears with its content in one step: nobody ever reads a lock that does not name its holder yet. */
function take(path, mine) {
  writeFileSync(mine, JSON.stringify({ pid: process.pid, host: hostname() }))
  try {
    linkSync(mine, path)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(mine, { force: true })
  }
}

function readHolder(path) {
  try {
    const text = readFileSync(path, 'utf8')
    return { ...JSON.parse(text), text }
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    return { pid: 0, host: '', text: '' }
  }
}

function isGone(path, holder) {
  if (holder.pid === 0) return true
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
  if (Date.now() - touched > silentAfterMs) return true
  return holder.host === hostname() && !isAlive(holder.pid)
}

/** Two may find the same dead holder: who renames the file away checks that it is still the dead one's, and puts a living one's back. */
function breakLock(path, mine, holder) {
  const aside = `${mine}.stale`
  try {
    renameSync(path, aside)
    if (readHolder(aside)?.text !== holder.text) linkSync(aside, path)
  } catch {
    // Somebody else was quicker: the next round sees how it stands.
  } finally {
    rmSync(aside, { force: true })
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
