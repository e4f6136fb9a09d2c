#!/usr/bin/env node
import { runService } from '../run-child.mjs'

await runService('edge-agent/main.ts')
