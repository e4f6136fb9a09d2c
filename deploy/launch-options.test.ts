import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LaunchOptions, parseLaunchOptions } from './launch-options.ts'

const parse = (...argv: string[]) => parseLaunchOptions(argv, '/here', '/checkout')
const wrong = (...argv: string[]) => (parse(...argv) as { problems: string[] }).problems.join('; ')

test('without options: two regions with two agents each, a quiet town, fixed ports, the data folder in the checkout', () => {
  assert.deepEqual(parse(), {
    regions: ['north', 'south'],
    agentsPerRegion: 2,
    subscribers: 2000,
    ratePerS: 500,
    seed: 1,
    scenario: 'quiet-town',
    dataDir: '/checkout/.tributary',
    fresh: false,
    portBase: 14_200,
    portBaseGiven: false,
    readyFile: undefined,
    cellsFile: undefined,
    truthFile: undefined,
  } satisfies LaunchOptions)
})

test('paths that are given are taken from where the person stands', () => {
  const options = parse('--data', 'd', '--ready-file=/r', '--no-simulator', '--regions', 'east') as LaunchOptions
  assert.equal(options.dataDir, '/here/d')
  assert.equal(options.readyFile, '/r')
  assert.equal(options.scenario, undefined)
  assert.deepEqual(options.regions, ['east'])
})

test('what is wrong is said in sentences, all of them at once', () => {
  assert.match(wrong('--regions', 'north,,a b', '--agents', '0'), /"" is no name.*"a b" is no name.*--agents is "0"/)
  assert.match(wrong('--regions', 'a,a'), /each name once/)
  assert.match(wrong('--regions', 'core'), /cannot be named core/)
  assert.match(wrong('--rate', 'fast'), /--rate is "fast", and must be a whole number/)
  assert.match(wrong('--agents', '10', '--regions', 'a,b,c'), /need 103 ports, at most 64/)
  assert.match(wrong('--port-base', '80'), /--port-base is "80"/)
  assert.match(wrong('--port-base', '65530'), /from 1024 to 65514/)
  assert.match(wrong('--nonsense'), /Unknown option '--nonsense'/)
  assert.equal(parse('--help'), 'help')
})
