/**
 * Stands in for @preact/signals in the bundle (build.ts). Components read signals by drawing: one that has read is drawn anew
 * when what it read has changed, and left alone when only its parent is drawn, with the same properties for it. Works by the
 * hooks of preact that its own add-ons use.
 */
import { Component, options, type VNode } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import {
  anew,
  batch,
  computed,
  effect,
  enter,
  type Reader,
  type ReadonlySignal,
  type Signal,
  signal,
} from './signals.ts'

/** What the package exports, as far as the page uses it. */
export { batch, computed, effect, signal }

/** `pending`: something it has read has changed since it was drawn. */
type Drawing = Reader & { pending: boolean }
type Drawn = { __c?: Component | null }
type Hook = 'diffed' | 'unmount' | '__b' | '__r' | '__e'

const drawings = new WeakMap<Component, Drawing>()
/** Ends the reading of the component that is being drawn. */
const current = { end: () => {} }

export const useSignal = <T>(value: T): Signal<T> => useMemo(() => signal(value), [])

export function useComputed<T>(make: () => T): ReadonlySignal<T> {
  const latest = useLatest(make)
  return useMemo(() => computed(() => latest.current()), [])
}

export function useSignalEffect(act: () => unknown): void {
  const latest = useLatest(act)
  useEffect(() => effect(() => latest.current()), [])
}

function useLatest<T>(value: T): { current: T } {
  const latest = useRef(value)
  latest.current = value
  return latest
}

function before(hook: Hook, act: (node: VNode & Drawn) => void): void {
  const hooks = options as unknown as Record<Hook, ((...args: unknown[]) => void) | undefined>
  const next = hooks[hook]
  hooks[hook] = (...args) => {
    act(args[0] as VNode & Drawn)
    next?.(...args)
  }
}

function begin(component: Component): void {
  const drawing = drawings.get(component) ?? {
    sources: new Map(),
    active: true,
    pending: false,
    notify() {
      this.pending = true
      component.setState({})
    },
  }
  drawings.set(component, drawing)
  drawing.pending = false
  const letGo = anew(drawing)
  const outer = enter(drawing)
  current.end = () => {
    current.end = () => {}
    enter(outer)
    letGo()
  }
}

for (const hook of ['__b', '__e', 'diffed'] as const) before(hook, () => current.end())
before('__r', ({ __c: component }) => {
  current.end()
  if (component) begin(component)
})
before('unmount', ({ __c: component }) => {
  const drawing = component && drawings.get(component)
  if (drawing) anew(drawing)()
})

Component.prototype.shouldComponentUpdate = function (this: Component, props: object) {
  const drawing = drawings.get(this)
  if (drawing === undefined || drawing.pending || drawing.sources.size === 0) return true
  const [one, other] = [props, this.props] as Record<string, unknown>[]
  return [props, this.props].some((all) => Object.keys(all).some((key) => one?.[key] !== other?.[key]))
}
