/** A detector's snapshot as a list of parts: one of JSON that says how many parts each group has, then the groups' raw buffers. */

export function joinParts(state: Readonly<Record<string, unknown>>, groups: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  const header = Buffer.from(JSON.stringify({ ...state, groups: groups.map((group) => group.length) }))
  return [header, ...groups.flat()]
}

export function splitParts(parts: readonly Uint8Array[]): { state: Readonly<Record<string, unknown>>; groups: Uint8Array[][] } {
  if (parts[0] === undefined) throw new Error('the snapshot is empty')
  const state = JSON.parse(Buffer.from(parts[0]).toString('utf8')) as Record<string, unknown>
  let next = 1
  const groups = (state.groups as number[]).map((count) => {
    next += count
    return parts.slice(next - count, next)
  })
  if (next !== parts.length) throw new Error(`the snapshot has ${parts.length} parts, its header says ${next}`)
  return { state, groups }
}
