import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { boundLog, lastWords } from './child-log.ts'
import { isAlive, until } from './stand-in-network.ts'
import { SupervisedChild } from './supervise.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-supervise-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function supervised(name: string, program: string, { mayFinish = false, answers = true } = {}) {
  const said: string[] = []
  const pids: (number | undefined)[] = []
  const child = new SupervisedChild(
    {
      name,
      command: process.execPath,
      args: ['-e', program],
      env: process.env,
      logFile: join(folder, `${name}.log`),
      isReady: async () => answers,
      mayFinish,
    },
    { say: (line) => said.push(line), onPid: (pid) => pids.push(pid), restartAfterMs: 20 },
  )
  after(() => child.stop(1000))
  return { child, said, pids }
}

test('a child that is killed is named and started again with a new pid; stopped on our word it stays stopped', async () => {
  const { child, said } = supervised('sleeper', 'setInterval(() => {}, 1000)')
  child.start()
  const first = child.pid ?? 0
  process.kill(first, 'SIGKILL')
  const second = await until('a new pid', () => child.pid !== first && child.pid)
  await until('the word', () => said.some((line) => line === `sleeper is back (pid ${second})`))
  assert.match(said[0] ?? '', /^sleeper was ended by SIGKILL after .* starting it again in 0.02 s$/)
  await child.stop(5000)
  await child.stop(5000)
  assert.equal(child.pid, undefined)
  assert.equal(isAlive(second), false)
})

test('a child that keeps dying is started later and later, with its own words and its log', async () => {
  const { child, said } = supervised('broken', 'console.error(JSON.stringify({ msg: "cannot read its file" })); process.exit(3)', {
    answers: false,
  })
  child.start()
  await assert.rejects(child.whenReady(AbortSignal.timeout(20_000), 20_000), /^Error: broken does not stay up; its log is .*broken\.log$/)
  await child.stop(1000)
  assert.match(said[0] ?? '', /^broken ended with status 3 after .*: cannot read its file; starting it again in 0.02 s$/)
  assert.match(said[2] ?? '', /3 times in a row: cannot read its file; starting it again in 0.08 s \(log: .*broken\.log\)$/)
})

test('a child that does not stop in time is killed, and that is said', async () => {
  const { child, said } = supervised('stubborn', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)')
  child.start()
  await until('its start', () => readFileSync(join(folder, 'stubborn.log'), 'utf8').includes('up'))
  await child.stop(100)
  assert.deepEqual(said, ['stubborn did not stop within 0.1 s and was killed'])
})

test('work that is done is not started again', async () => {
  const { child, said } = supervised('worker', '', { mayFinish: true })
  child.start()
  await until('its end', () => said.length > 0)
  assert.deepEqual(said, ['worker has finished'])
})

test('the last words of a log are its last complaint; a log that has grown too large is moved aside', () => {
  const log = join(folder, 'words.log')
  writeFileSync(log, 'started\nError: no such file\n    at open (x.js:1)\n\nNode.js v24.0.0\n')
  assert.equal(lastWords(log), 'Error: no such file')
  assert.equal(lastWords(join(folder, 'none.log')), undefined)
  writeFileSync(log, Buffer.alloc(9 * 2 ** 20, 'a'))
  boundLog(log)
  assert.equal(readFileSync(log).length, 0)
  assert.equal(readFileSync(`${log}.1`).length, 9 * 2 ** 20)
})
