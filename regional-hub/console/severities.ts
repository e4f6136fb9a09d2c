/** Severities in X.733's words, worst first, each with a letter and a shape, so that colour alone never carries the meaning. */

export const severities = ['critical', 'major', 'minor', 'warning', 'indeterminate', 'cleared'] as const

export const letters: Readonly<Record<string, string>> = {
  critical: 'C',
  major: 'M',
  minor: 'm',
  warning: 'W',
  indeterminate: '?',
  cleared: '✓',
}

export function rank(severity: string): number {
  const at = severities.indexOf(severity as (typeof severities)[number])
  return at < 0 ? severities.length : at
}

/** Corners of the shape in a box of −1…1; empty: a circle. */
const shapes: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  critical: [-3, -1, 1, 3, 5, 7, 9, 11].map((eighth) => [Math.cos((eighth * Math.PI) / 8), Math.sin((eighth * Math.PI) / 8)] as const),
  major: [
    [0, -1.05],
    [1.1, 0.85],
    [-1.1, 0.85],
  ],
  minor: [
    [-0.88, -0.88],
    [0.88, -0.88],
    [0.88, 0.88],
    [-0.88, 0.88],
  ],
  indeterminate: [
    [0, -1.1],
    [1.1, 0],
    [0, 1.1],
    [-1.1, 0],
  ],
}

export function cornersOf(severity: string): readonly (readonly [number, number])[] {
  return shapes[severity] ?? []
}
