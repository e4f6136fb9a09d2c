/** The checks of the folder that a service stores in, and of the disk below it. The same for all three services. */
import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs'
import type { CheckContext } from './check-context.ts'
import { humanBytes, measureFsync, modeOf, mountOf, quantile, spaceOf, standingFolder } from './check-host.ts'
import { bad, type Check, cannotTell, pass, warn } from './checks.ts'
import { describeError } from './errors.ts'

type One = Check<CheckContext>

export const dataDirCheck: One = {
  id: 'data-dir',
  title: 'the data folder is there and can be written',
  about: 'Everything that was acknowledged and is not yet delivered lies here. The service makes the folder at its first start if it may.',
  remedy:
    'Create the folder, give it to the user the service runs as, mode 0750. One service only: two that share a folder destroy each other’s data.',
  after: ['config'],
  run: ({ settings: { dataDir } }) => {
    const mode = modeOf(dataDir)
    if (mode === undefined) return warn(dataDir, `${dataDir} does not exist yet`, `mkdir -m 750 ${dataDir}, or doctor --fix, or just start`)
    if (!statSync(dataDir).isDirectory()) return bad(dataDir, `${dataDir} is no folder`, 'name a folder in dataDir')
    try {
      accessSync(dataDir, constants.W_OK | constants.X_OK)
    } catch {
      return bad(
        dataDir,
        `${dataDir} cannot be written by this user (uid ${process.getuid?.() ?? '?'})`,
        `chown it to the user of the service`,
      )
    }
    const text = mode.toString(8).padStart(4, '0')
    return (mode & 0o007) === 0
      ? pass(text, `${dataDir}, mode ${text}`)
      : warn(text, `${dataDir} can be entered by everybody (mode ${text})`, `chmod 750 ${dataDir}`)
  },
  mend: ({ settings: { dataDir } }) => {
    if (modeOf(dataDir) === undefined) {
      mkdirSync(dataDir, { recursive: true, mode: 0o750 })
      return `made ${dataDir} with mode 0750`
    }
    chmodSync(dataDir, 0o750)
    return `chmod 750 ${dataDir}`
  },
}

const volatileKinds = new Set(['tmpfs', 'ramfs', 'devtmpfs'])
const weakKinds: Readonly<Record<string, string>> = {
  vfat: 'has no journal and loses files at a power cut',
  exfat: 'has no journal and loses files at a power cut',
  overlay: 'is a container’s own layer: it is gone with the container',
  nfs: 'is on the network: SQLite’s locks and syncs are not to be relied on there',
  nfs4: 'is on the network: SQLite’s locks and syncs are not to be relied on there',
  cifs: 'is on the network: SQLite’s locks and syncs are not to be relied on there',
  smb3: 'is on the network: SQLite’s locks and syncs are not to be relied on there',
  '9p': 'is another machine’s: syncs are not to be relied on there',
  fuse: 'is a program’s: syncs are only as good as it',
  'fuse.sshfs': 'is on the network: syncs are not to be relied on there',
}

export const fileSystemCheck: One = {
  id: 'file-system',
  title: 'the data folder’s file system keeps what it is given',
  about:
    'An acknowledgement is only as good as the disk below it: memory is empty after a power cut, FAT has no journal, network file systems sync when they like.',
  remedy: 'Put `dataDir` on a local ext4, xfs, btrfs or f2fs; in a container on a volume.',
  after: ['config'],
  cheap: true,
  run: ({ settings: { dataDir } }) => {
    const mount = mountOf(standingFolder(dataDir))
    if (mount === undefined) return cannotTell('this system has no table of mounts')
    if (mount.readOnly) return bad(mount.kind, `${mount.point} (${mount.kind}) is mounted read-only`, `mount it writable, or move dataDir`)
    if (volatileKinds.has(mount.kind)) {
      return warn(
        mount.kind,
        `${dataDir} is on ${mount.kind}, which is memory: everything is lost at a power cut`,
        'move dataDir to a disk',
      )
    }
    const weak = weakKinds[mount.kind]
    return weak === undefined
      ? pass(mount.kind, `${mount.kind} on ${mount.point}`)
      : warn(mount.kind, `${mount.kind} on ${mount.point} ${weak}`, 'move dataDir to a local ext4, xfs, btrfs or f2fs')
  },
}

export const diskSpaceCheck: One = {
  id: 'disk-space',
  title: 'the disk has room for what the quotas allow',
  about:
    'The stores may grow to their quotas. A disk that is full before that is survived (nothing acknowledged is lost), but nothing new is taken.',
  remedy: 'Free room on the volume, move `dataDir`, or lower the quotas to what the disk has.',
  after: ['config'],
  cheap: true,
  run: async ({ settings: { dataDir }, quotaBytes }) => {
    const { freeBytes, totalBytes } = await spaceOf(dataDir)
    const words = `${humanBytes(freeBytes)} free of ${humanBytes(totalBytes)}; the stores may grow to ${humanBytes(quotaBytes)}`
    const fix = `free room on the volume of ${dataDir}, or lower the quotas`
    if (freeBytes < 64 << 20) return bad(freeBytes, `only ${words}: nothing new can be stored`, fix)
    return freeBytes < quotaBytes ? warn(freeBytes, `${words}, less what they hold already`, fix) : pass(freeBytes, words)
  },
}

export const fsyncCheck: One = {
  id: 'fsync',
  title: 'the disk makes writes durable fast enough',
  about:
    'Each acknowledgement waits for one fsync. Measured with small writes in the data folder, in a file that is removed again: the 99th percentile.',
  remedy:
    'Above 50 ms devices feel it, above 2 s they time out: use an industrial SD card, eMMC or SSD, and let nothing else write heavily to it. Under 20 µs nothing is really written: a disk cache that lies, or memory.',
  after: ['config', 'data-dir'],
  deadlineMs: 4_000,
  run: async ({ settings: { dataDir } }, signal) => {
    const ending = AbortSignal.any([signal, AbortSignal.timeout(2_000)])
    let took: number[]
    try {
      took = await measureFsync(standingFolder(dataDir), 300, ending)
    } catch (error) {
      const full = (error as NodeJS.ErrnoException).code === 'ENOSPC'
      return bad(null, `a write of 4 KiB in ${dataDir} failed: ${describeError(error)}`, full ? 'free room on that volume' : 'see data-dir')
    }
    const p99Ms = Math.round(quantile(took, 0.99) * 100) / 100
    const words = `p99 ${p99Ms} ms, median ${quantile(took, 0.5).toFixed(2)} ms over ${took.length} writes`
    if (p99Ms > 2_000) return bad(p99Ms, words, 'the disk is worn, far too slow or overloaded: replace it, or take the load from it')
    if (p99Ms > 50) return warn(p99Ms, words, 'use a faster disk, or keep other programs from writing to it')
    return p99Ms < 0.02
      ? warn(p99Ms, `${words}: too fast to be true`, 'check that the disk’s write cache obeys flushes')
      : pass(p99Ms, words)
  },
}
