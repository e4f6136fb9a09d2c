import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '#shared/adapters/sqlite.ts'
import { SqliteAudit } from './sqlite-audit.ts'

test('a line of the audit log cannot be changed or taken out, and where somebody does it all the same it shows', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-audit-'))
  const fill = (file: string) => {
    const audit = new SqliteAudit(file)
    for (let at = 1; at <= 5; at++) {
      audit.append({
        atMs: at,
        by: 'ann',
        role: 'operator',
        action: 'lookup',
        subject: `psn${at}`,
        reason: 'r',
        ticket: '',
        outcome: 'found',
      })
    }
    assert.deepEqual(audit.verify().isWhole, true)
    assert.equal(audit.list(0, 10, 2)[0]!.seq, 5)
    audit.close()
  }
  const attack = (name: string, sql: string, words: RegExp, drop = true) => {
    const file = join(dir, `${name}.db`)
    fill(file)
    const db = openDatabase(file)
    assert.throws(() => db.exec("UPDATE entry SET body = '' WHERE seq = 3"), /append-only/)
    assert.throws(() => db.exec('DELETE FROM entry WHERE seq = 3'), /append-only/)
    if (drop) db.exec('DROP TRIGGER entry_kept; DROP TRIGGER entry_stays')
    db.exec(sql)
    db.close()
    const audit = new SqliteAudit(file)
    const found = audit.verify()
    assert.equal(found.isWhole, false, name)
    assert.match(found.words, words)
    audit.close()
  }
  try {
    attack('changed', `UPDATE entry SET body = json_set(body, '$.reason', 'other') WHERE seq = 3`, /Entry 3 was changed/)
    attack('moved', 'UPDATE entry SET atMs = 9 WHERE seq = 2', /Entry 2 was changed/)
    attack('taken out', 'DELETE FROM entry WHERE seq = 3', /Entry 3 is not there/)
    attack('cut off', 'DELETE FROM entry WHERE seq > 3', /Entries after 3 are missing: there were 5/)
    attack('spoilt', `UPDATE entry SET body = 'x' WHERE seq = 1`, /Entry 1 was changed/)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
