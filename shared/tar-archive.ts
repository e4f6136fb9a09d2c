/** A few texts as one .tar.gz that every system opens (POSIX ustar). Pure. */
import { gzipSync } from 'node:zlib'

export interface ArchiveFile {
  readonly path: string
  readonly text: string
}

const blockBytes = 512

export function tarGz(files: readonly ArchiveFile[], timeMs: number): Buffer {
  const blocks = files.flatMap(({ path, text }) => {
    const body = Buffer.from(text)
    const padding = Buffer.alloc((blockBytes - (body.length % blockBytes)) % blockBytes)
    return [header(path, body.length, timeMs), body, padding]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]))
}

function header(path: string, size: number, timeMs: number): Buffer {
  if (Buffer.byteLength(path) > 99) throw new Error(`${path}: too long a name for the archive`)
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, at: number, width: number) =>
    block.write(
      `${Math.floor(value)
        .toString(8)
        .padStart(width - 1, '0')}\0`,
      at,
      'latin1',
    )
  block.write(path, 0)
  octal(0o600, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(timeMs / 1000, 136, 12)
  block.fill(0x20, 148, 156)
  block.write('0', 156)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, octet) => total + octet, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
