/** What texts of events may look like. Pure character loops: these run for every event. */

/** At most `max` characters (code points), none of them a control character, no half of a surrogate pair. */
export function isPrintable(text: string, max: number): boolean {
  if (text.length > 2 * max) return false
  let beyondAscii = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 32 || (code >= 127 && code <= 159)) return false
    if (code >= 0xd800 && code <= 0xdfff) beyondAscii = true
  }
  if (!beyondAscii) return text.length <= max
  return text.isWellFormed() && characters(text) <= max
}

/** Code points, where a text may be long in UTF-16 units. */
export function characters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

export function areDigits(text: string, min: number, max: number): boolean {
  if (text.length < min || text.length > max) return false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 48 || code > 57) return false
  }
  return true
}
