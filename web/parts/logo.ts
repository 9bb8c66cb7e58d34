/** Eight pods in a ring, one of them yours: drawn in index.html. */
import type { VNode } from 'preact'
import { picture } from './icon.ts'

export const Logo = (): VNode => picture('logo', 24, 'logo')
