/**
 * What may go into a support archive: texts without secrets and without anything that could be somebody's number. Numbers of our own documents
 * stay numbers (no identity is ever one there); in every text a run of five digits or more that is no time, size or port of ours becomes `#`.
 * Rather a harmless number lost than an identity kept. Pure.
 */
const secretNames = /password|passwordhash|secret|token|credential|authorization|apikey/i
const hidden = '(removed)'

/** A document of our own: settings, health, the doctor's report. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return secretNames.test(name) && !/File$/.test(name) ? hidden : hideInText(value)
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, name))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [hideInText(key), withoutSecrets(inner, key)]))
  }
  return value
}

/** Times as we write them are kept, and addresses of machines with their ports; so are the hex digits of store ids and pseudonyms' text form, which are no decimal runs. */
const kept =
  /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?|[0-9a-f]{32}(?:\.\d{10})?|journal-\d{15}\.db|(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?::\d{1,5})?(?![\d.])/g

export function hideInText(text: string): string {
  const withoutUser = text.replace(/(\b[a-z]+:\/\/)[^/\s@]*@/gi, '$1')
  let safe = ''
  let at = 0
  for (const match of withoutUser.matchAll(kept)) {
    safe += hideRuns(withoutUser.slice(at, match.index)) + match[0]
    at = match.index + match[0].length
  }
  return safe + hideRuns(withoutUser.slice(at))
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
