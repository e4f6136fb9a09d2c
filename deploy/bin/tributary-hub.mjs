#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from '../install.mjs'
import { runService } from '../run-child.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
if (!existsSync(`${root}/node_modules`)) await ensureInstalled(root, (line) => process.stderr.write(`${line}\n`))
await runService(root, fileURLToPath(new URL('../../regional-hub/main.ts', import.meta.url)))
