/** Eight pods in a ring, one of them yours: drawn in index.html. */
import type { VNode } from 'preact'
import { drawing } from './icon.ts'

export const Logo = (): VNode => drawing('logo', 24, 'logo')
