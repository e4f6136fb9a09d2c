/** The topics events come on: `tributary/v1/<family>/<source>`. Remembers what it has parsed, bounded. */
import { families } from '#shared/families.ts'

export interface EventTopic {
  /** Undefined: none of ours. */
  readonly family: string | undefined
  /** The whole topic when it is none of ours. */
  readonly source: string
}

/** What `doctor` publishes to: it travels through broker and intake, waits for the same commit, and leaves no trace. Nobody else need know it. */
export const probeTopic = 'tributary/v1/probe'

const tail = `/(${families.join('|')})/([A-Za-z0-9._-]{1,64})$`
const maxRemembered = 20_000

export class EventTopics {
  readonly #pattern: RegExp
  #known = new Map<string, EventTopic>()

  /** Brokers on site may have our topics below another prefix. */
  constructor(prefix = 'tributary/v1') {
    this.#pattern = new RegExp(`^${RegExp.escape(prefix)}${tail}`)
  }

  parse(topic: string): EventTopic {
    let parsed = this.#known.get(topic)
    if (parsed === undefined) {
      const match = this.#pattern.exec(topic)
      parsed = match === null ? { family: undefined, source: topic } : { family: match[1]!, source: match[2]! }
      if (this.#known.size >= maxRemembered) this.#known = new Map()
      this.#known.set(topic, parsed)
    }
    return parsed
  }
}
