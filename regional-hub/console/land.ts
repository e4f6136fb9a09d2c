/** Reads the land outline that the build packed (deploy/land-outline.ts says how) into one path over the Mercator square. */
import { toSquare } from './camera.ts'

const unitsPerDegree = 100

export async function loadLand(address: string): Promise<Path2D> {
  const response = await fetch(address)
  return response.ok ? landPath(new Uint8Array(await response.arrayBuffer())) : new Path2D()
}

/** Scaled up: a path keeps single precision. */
export const landScale = 4096

function landPath(octets: Uint8Array): Path2D {
  const path = new Path2D()
  let at = 0
  const next = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const octet = octets[at++]!
      value |= (octet & 127) << shift
      if (octet < 128) return value
    }
  }
  const difference = () => {
    const value = next()
    return value & 1 ? -(value + 1) / 2 : value / 2
  }
  while (at < octets.length) {
    const points = next()
    let [longitude, latitude] = [0, 0]
    for (let point = 0; point < points; point++) {
      longitude += difference()
      latitude += difference()
      const [x, y] = toSquare(longitude / unitsPerDegree, latitude / unitsPerDegree)
      if (point === 0) path.moveTo(x * landScale, y * landScale)
      else path.lineTo(x * landScale, y * landScale)
    }
    path.closePath()
  }
  return path
}
