/** Completion scripts, pressed Tab on in the real shells that this machine has. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { completedCommands } from '#shared/run-commands.ts'
import { completionScript, type Shell, shells } from '#shared/shell-completion.ts'
import { agentCommand } from '../edge-agent/agent-commands.ts'

/** What each shell is asked to run after it has sourced the script: prints what Tab would offer for the words given. */
const press: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}; _tributary_agent; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (words) => `words=(${words.map(quoted).join(' ')}); CURRENT=${words.length}; _tributary_agent`,
  fish: (words) => `complete -C ${quoted(words.join(' '))} | string split -f1 \\t; true`,
}
/** zsh's completion system lives in its line editor only; these say what it would have been given. */
const before: Readonly<Record<Shell, string>> = {
  bash: '',
  zsh: `compdef() { :; }; _describe() { print -l -- "\${(@)found%%:*}"; }; compadd() { shift; print -l -- "$@"; }; _files() { print FILES; }; `,
  fish: '',
}

for (const shell of shells) {
  test(`${shell}: commands, options and their values are offered`, async (t) => {
    if (!isInstalled(shell)) {
      t.diagnostic(`${shell} is not installed here: only its script was made`)
      assert.match(completionScript(shell, 'tributary-agent', await completedCommands(agentCommand)), /tributary-agent/)
      return
    }
    const dir = mkdtempSync(join(tmpdir(), 'tributary-completion-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    const script = join(dir, 'script')
    writeFileSync(script, completionScript(shell, 'tributary-agent', await completedCommands(agentCommand)))
    const tab = (...words: string[]) =>
      execFileSync(shell, ['-c', `${before[shell]}source ${script}; ${press[shell](['tributary-agent', ...words])}`], {
        encoding: 'utf8',
        cwd: dir,
      })
        .split('\n')
        .filter((line) => line !== '')
    assert.ok(tab('').includes('doctor'))
    assert.ok(tab('').includes('complete'))
    const inside = tab('buffer', '')
    for (const one of ['ls', 'verify', 'export', 'replay']) assert.ok(inside.includes(one), one)
    assert.ok(!inside.includes('doctor'))
    assert.ok(tab('doctor', '--').includes('--fix'))
    const lanes = tab('buffer', 'export', '--lane', '')
    assert.ok(lanes.includes('sighting') && !lanes.includes('--lane'), lanes.join(' '))
    assert.ok(tab('--config', 'buffer', 'doctor', '--').includes('--fix'), 'a value that looks like a command is none')
    const files = tab('doctor', '--config', shell === 'zsh' ? '' : 'scr')
    assert.ok(files.includes(shell === 'zsh' ? 'FILES' : 'script'), files.join(' '))
  })
}

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
