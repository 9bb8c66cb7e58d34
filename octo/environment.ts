/** Variables as octo reads them. */
export type Environment = Record<string, string | undefined>
