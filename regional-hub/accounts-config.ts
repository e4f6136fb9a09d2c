/** What stands in the file of the console's local accounts: their names, roles and password hashes. */
import { z } from 'zod'
import { isPasswordHash } from './passwords.ts'

export const roles = ['viewer', 'operator', 'privacy-officer'] as const
export const accountName = z.string().regex(/^[\p{L}\p{N}._@-]{1,64}$/u, 'letters, digits and . _ @ -, at most 64')
export const accountsSchema = z.strictObject({
  users: z.array(
    z.strictObject({
      name: accountName,
      role: z.enum(roles),
      hash: z.string().refine(isPasswordHash, 'no argon2id hash'),
      changedMs: z.number(),
    }),
  ),
})
export type Account = z.infer<typeof accountsSchema>['users'][number]
