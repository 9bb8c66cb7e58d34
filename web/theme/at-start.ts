/**
 * Applies the theme while the browser still reads the head of the page, so that no other one is seen first. A script of its own,
 * because modules run later and the content security policy allows no code in the page.
 */
import { followTheme } from './theme.ts'

followTheme(window)
