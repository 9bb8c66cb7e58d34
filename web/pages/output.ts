/** The output of one action, live: follows the end until somebody scrolls up. For admins. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { OutputChunk } from '../../domain/shapes.ts'
import { listen } from '../output-stream.ts'
import { ProblemBox } from '../parts/problem.ts'
import type { Problem } from '../problem.ts'
import { useWorld } from '../world.ts'

export function Output({ actionId }: { actionId: number }): VNode {
  const { client } = useWorld()
  const place = useRef<HTMLPreElement>(null)
  const state = useSignal<'reading' | 'trouble' | 'ended'>('reading')
  const empty = useSignal(true)
  const following = useSignal(true)
  const refused = useSignal<Problem | null>(null)

  useEffect(() => {
    const leaving = new AbortController()
    const write = writer(() => {
      empty.value = false
      if (following.peek()) toEnd(place.current)
    }, place)
    void listen(client, actionId, leaving.signal, {
      chunk: write,
      trouble: (problem) => {
        state.value = problem === null ? 'reading' : 'trouble'
      },
      refused: (problem) => {
        refused.value = problem
      },
      end: () => {
        state.value = 'ended'
      },
    })
    return () => leaving.abort()
  }, [actionId])

  if (refused.value !== null) return html`<${ProblemBox} problem=${refused.value} />`
  const words = { reading: 'live', trouble: 'connection lost, trying again', ended: 'complete' }[state.value]
  return html`<div class="output">
    <div class="output-head">
      <span>Output</span><span class="output-state" role="status">${words}</span>
      ${
        !following.value &&
        html`<button type="button" class="quiet small" onClick=${() => toEnd(place.current)}>Follow the end</button>`
      }
    </div>
    <pre
      ref=${place}
      tabindex="0"
      aria-label="Output"
      onScroll=${() => {
        following.value = isAtEnd(place.current)
      }}
    ></pre>
    ${empty.value && html`<p class="output-empty">${state.value === 'ended' ? 'It printed nothing.' : 'Nothing printed yet.'}</p>`}
  </div>`
}

/** Gathers chunks and puts them on the page once a frame, as text and never as markup. */
function writer(after: () => void, place: { current: HTMLPreElement | null }): (chunk: OutputChunk) => void {
  let waiting: OutputChunk[] = []
  const flush = () => {
    const fragment = document.createDocumentFragment()
    for (const { stream, text } of waiting) {
      const piece = document.createElement('span')
      piece.textContent = text.replace(terminalCodes, '')
      if (stream === 'stderr') piece.className = 'stderr'
      fragment.append(piece)
    }
    waiting = []
    place.current?.append(fragment)
    after()
  }
  return (chunk) => {
    if (waiting.push(chunk) === 1) requestAnimationFrame(flush)
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is taken out
const terminalCodes = /\u001b\[[0-9;?]*[A-Za-z]/g

function toEnd(element: HTMLElement | null): void {
  if (element !== null) element.scrollTop = element.scrollHeight
}

function isAtEnd(element: HTMLElement | null): boolean {
  return element === null || element.scrollTop + element.clientHeight >= element.scrollHeight - 12
}
