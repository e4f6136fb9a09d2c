/**
 * The read side of a schema registry, in Confluent's shapes, over the schemas that ship: Flink, ksqlDB, Trino and Connect read our topics with it.
 * Nothing can be registered: a schema changes with a release. Open to this machine, elsewhere with a key.
 */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { avroSchema, avroSchemaId, registrySubjects } from '#shared/avro-schemas.ts'
import { type RecordKind, recordKinds } from '#shared/records.ts'
import { openOnLoopback } from './api-access.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'

const onlyVersion = 1
const faults = { 40401: 'Subject not found.', 40402: 'Version not found.', 40403: 'Schema not found' } as const

export function registryRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const open = openOnLoopback(deps)
  const subjects = () => subjectsOf(deps)

  app.get('/subjects', open, async (c) => answer(c, [...(await subjects()).keys()].sort()))
  app.get('/subjects/:subject/versions', open, async (c) => {
    const kind = (await subjects()).get(c.req.param('subject'))
    return kind === undefined ? refuse(c, 40401) : answer(c, [onlyVersion])
  })
  app.get('/subjects/:subject/versions/:version', open, async (c) => {
    const subject = c.req.param('subject')
    const kind = (await subjects()).get(subject)
    if (kind === undefined) return refuse(c, 40401)
    if (!['1', '-1', 'latest'].includes(c.req.param('version'))) return refuse(c, 40402)
    return answer(c, { subject, version: onlyVersion, id: avroSchemaId(kind), schema: JSON.stringify(avroSchema(kind)) })
  })
  app.get('/schemas/types', open, (c) => answer(c, ['AVRO']))
  app.get('/schemas/ids/:id', open, (c) => {
    const kind = kindOf(c.req.param('id'))
    return kind === undefined ? refuse(c, 40403) : answer(c, { schema: JSON.stringify(avroSchema(kind)) })
  })
  app.get('/schemas/ids/:id/versions', open, async (c) => {
    const kind = kindOf(c.req.param('id'))
    if (kind === undefined) return refuse(c, 40403)
    const found = [...(await subjects())].filter(([, of]) => of === kind).map(([subject]) => ({ subject, version: onlyVersion }))
    return answer(c, found)
  })
  app.get('/config', open, (c) => answer(c, { compatibilityLevel: 'BACKWARD_TRANSITIVE' }))
}

async function subjectsOf({ history, config }: ApiDeps): Promise<Map<string, RecordKind>> {
  const regions = new Set((await history.progress(config.tenant)).map(({ region }) => region))
  return new Map([...regions].flatMap((region) => [...registrySubjects(region)]))
}

function kindOf(id: string): RecordKind | undefined {
  return /^\d{1,6}$/.test(id) ? recordKinds[Number(id) - 1] : undefined
}

function answer(c: Context, value: unknown) {
  return c.body(JSON.stringify(value), 200, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
}

function refuse(c: Context, code: keyof typeof faults) {
  return c.body(JSON.stringify({ error_code: code, message: faults[code] }), 404, {
    'content-type': 'application/vnd.schemaregistry.v1+json',
  })
}
