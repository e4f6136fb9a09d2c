/** A key's history as the rules read it: columns, oldest first. Valid until the next reading of the same kind of key. */
export interface Points {
  count: number
  timeMs: Float64Array
  cell: Uint32Array
  a: Uint32Array
  b: Uint32Array
}

export function emptyPoints(): Points {
  return { count: 0, timeMs: new Float64Array(64), cell: new Uint32Array(64), a: new Uint32Array(64), b: new Uint32Array(64) }
}

/** Makes room for `count` points; what was there is lost. */
export function resizePoints(points: Points, count: number): void {
  points.count = count
  if (count <= points.timeMs.length) return
  const size = 2 ** Math.ceil(Math.log2(count))
  points.timeMs = new Float64Array(size)
  points.cell = new Uint32Array(size)
  points.a = new Uint32Array(size)
  points.b = new Uint32Array(size)
}
