/** A severity as shape, letter and colour; the word is there for those who do not see it. */
import { cornersOf, letters } from './severities.ts'

export function SeverityMark({ severity, isMuted }: { readonly severity: string; readonly isMuted?: boolean }) {
  const corners = cornersOf(severity)
  const letter = letters[severity] ?? '?'
  return (
    <svg class={`severity ${isMuted ? 'is-muted' : severity}`} viewBox="-1.25 -1.25 2.5 2.5" role="img" aria-label={severity}>
      {corners.length === 0 ? <circle r="1.05" /> : <polygon points={corners.map((corner) => corner.join(',')).join(' ')} />}
      <text y={severity === 'major' ? 0.62 : 0.45} text-anchor="middle">
        {letter}
      </text>
    </svg>
  )
}
