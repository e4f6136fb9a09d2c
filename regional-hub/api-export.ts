/** A list's answer as a file: `?format=csv` or `parquet`, the same rows that the query answers. */
import type { Context } from 'hono'
import { z } from 'zod'
import { type ExportName, toCsv, toParquet } from './export-rows.ts'

export const formatOf = z.enum(['json', 'csv', 'parquet']).default('json')
export type FileFormat = 'csv' | 'parquet'

export function exported(c: Context, format: FileFormat, name: ExportName, rows: readonly object[]): Response {
  const headers = {
    'content-disposition': `attachment; filename="tributary-${name}.${format}"`,
    'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/vnd.apache.parquet',
    'cache-control': 'no-store',
  }
  return format === 'csv' ? c.body(toCsv(name, rows), 200, headers) : c.body(toParquet(name, rows), 200, headers)
}
