/** What the launcher says: one line a step, marks in colour where a person reads it, plain elsewhere (no TTY, or NO_COLOR). */
export interface Terminal {
  step(line: string): void
  note(line: string): void
  bad(line: string): void
  plain(line: string): void
}

export function terminal(out: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Terminal {
  const colours = out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const mark = (sign: string, colour: number) => (colours ? `\u001b[${colour}m${sign}\u001b[0m` : sign)
  // `npm start | head` closes the pipe: the network goes on.
  out.on('error', () => undefined)
  const write = (text: string) => out.write(`${text}\n`)
  return {
    step: (line) => write(`${mark('✓', 32)} ${line}`),
    note: (line) => write(`${mark('·', 36)} ${line}`),
    bad: (line) => write(`${mark('!', 31)} ${line}`),
    plain: (line) => write(line),
  }
}
