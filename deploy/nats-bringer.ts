/** A step of the finder that brings a server to where it is looked for. */
export interface Bringer {
  readonly name: string
  /** Resolves when `target` holds the program; rejects with the reason in one line. */
  readonly run: (target: string, deps: BringerDeps) => Promise<void>
}

export interface BringerDeps {
  readonly env: Readonly<Record<string, string | undefined>>
  /** One line for the person at the terminal. */
  readonly say: (line: string) => void
  /** Aborts when nobody waits for it any more. */
  readonly signal?: AbortSignal
}
