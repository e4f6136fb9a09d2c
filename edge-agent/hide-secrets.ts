/**
 * What may go into a support archive: texts without secrets and without anything that could be somebody's number. Numbers of our own documents
 * stay numbers (no identity is ever one there); in every text a run of five digits or more that is no time, size or port of ours becomes `#`.
 * Rather a harmless number lost than an identity kept. Pure.
 */
const secretNames = /password|passwordhash|secret|token|credential|authorization|apikey/i
const hidden = '(removed)'

/** A document: settings, health, the doctor's report, a line of a log. `hide` is how its texts are treated. */
export function withoutSecrets(value: unknown, hide = hideInText, name = ''): unknown {
  if (typeof value === 'string') return secretNames.test(name) && !/File$/.test(name) ? hidden : hide(value)
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, hide, name))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [hide(key), withoutSecrets(inner, hide, key)]))
  }
  return value
}

/** Texts that are our own words with our own figures in them: ports and milliseconds stay, runs of seven digits and more go all the same. */
export function hideInOwnText(text: string): string {
  return keeping(text, (rest) => rest.replace(/\+?\d{7,}/g, '#'))
}

/** Times as we write them are kept, and addresses of machines with their ports; so are the hex digits of store ids and pseudonyms' text form, which are no decimal runs. */
const kept =
  /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?|[0-9a-f]{32}(?:\.\d{10})?|journal-\d{15}\.db|(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?::\d{1,5})?(?![\d.])/g

export function hideInText(text: string): string {
  return keeping(text, hideRuns)
}

function keeping(text: string, hide: (text: string) => string): string {
  const withoutUser = text.replace(/(\b[a-z]+:\/\/)[^/\s@]*@/gi, '$1')
  let safe = ''
  let at = 0
  for (const match of withoutUser.matchAll(kept)) {
    safe += hide(withoutUser.slice(at, match.index)) + match[0]
    at = match.index + match[0].length
  }
  return safe + hide(withoutUser.slice(at))
}

/** One line of a log: an object of ours, or whatever else stands there. */
export function safeLogLine(line: string): string {
  try {
    const value: unknown = JSON.parse(line)
    if (value !== null && typeof value === 'object') return JSON.stringify(withoutSecrets(value))
  } catch {
    // no JSON: a line of Node or of systemd
  }
  return hideInText(line)
}

/** Prometheus text: values stay, labels are texts. */
export function safeMetrics(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"/g, (_, label: string) => `"${hideInText(label)}"`)
}

/** Separators between digits do not save them: +353 85 123-4567 goes as well. */
function hideRuns(text: string): string {
  return text.replace(/\+?\d(?:[ \-/().]?\d){6,}|\d{5,}/g, (run) => (run.replace(/\D/g, '').length < 5 ? run : '#'))
}
