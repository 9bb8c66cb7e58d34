/** Our signals beside those of the package whose place they take in the bundle: whatever is done, both say the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as original from '@preact/signals'
import fc from 'fast-check'
import * as ours from '../../web/signals.ts'

type Kind = typeof ours
const kinds: [string, Kind][] = [
  ['the package', original as unknown as Kind],
  ['ours', ours],
]

/** A step on four values, three computed from them or each other, and effects that come and go. */
type Step =
  | { do: 'set'; at: number; to: number }
  | { do: 'batch'; steps: Step[] }
  | { do: 'watch' | 'end' | 'read'; at: number }

const place = fc.nat(3)
const plain: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('set' as const), at: place, to: fc.nat(3) }),
  fc.record({ do: fc.constantFrom('watch' as const, 'end' as const, 'read' as const), at: place }),
)
/** Set and set back within a batch: the package tells nobody, ours does; that is all it leaves out. */
const settingOf = (one: Step) => (one.do === 'set' ? one.at : Symbol())
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: plain },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('batch' as const),
      steps: fc.uniqueArray(plain, { maxLength: 6, selector: settingOf }),
    }),
  },
)

/** Everything that could be seen from outside. */
function play({ signal, computed, effect, batch }: Kind, steps: readonly Step[]): string[] {
  const seen: string[] = []
  const values = [0, 1, 2, 3].map((at) =>
    signal(at, { watched: () => seen.push(`watched ${at}`), unwatched: () => seen.push(`unwatched ${at}`) }),
  )
  const [a, b, c, d] = values as [
    ours.Signal<number>,
    ours.Signal<number>,
    ours.Signal<number>,
    ours.Signal<number>,
  ]
  const sum = computed(() => a.value + b.value)
  const isEven = computed(() => sum.value % 2 === 0)
  const chosen = computed(() => (isEven.value ? c.value : d.peek() + sum.value))
  const readers = [
    () => sum.value,
    () => isEven.value,
    () => chosen.value,
    () => `${isEven.value} ${chosen.value} ${d.value}`,
  ]
  const ends = new Map<number, () => void>()
  const act = (one: Step) => {
    if (one.do === 'set') (values[one.at] as ours.Signal<number>).value = one.to
    else if (one.do === 'batch') batch(() => one.steps.forEach(act))
    else if (one.do === 'read') seen.push(`read ${readers[one.at]?.()}`)
    else if (one.do === 'end') {
      ends.get(one.at)?.()
      ends.delete(one.at)
    } else if (!ends.has(one.at)) {
      const end = effect(() => {
        seen.push(`effect ${one.at}: ${readers[one.at]?.()}`)
        return () => seen.push(`clean ${one.at}`)
      })
      ends.set(one.at, end)
    }
  }
  // In which order effects hear of one change is nobody's business.
  for (const one of steps) {
    const before = seen.length
    act(one)
    seen.push(...seen.splice(before).sort())
  }
  return seen
}

describe('our signals', () => {
  it('do what the package does, step by step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        assert.deepEqual(play(ours, steps), play(original as unknown as Kind, steps))
      }),
      { numRuns: 300 },
    )
  })

  for (const [name, { signal, computed, effect, batch }] of kinds) {
    it(`tell each reader once and never of a half-made change (${name})`, () => {
      const a = signal(1)
      const left = computed(() => a.value * 2)
      const right = computed(() => a.value * 3)
      const seen: number[] = []
      effect(() => void seen.push(left.value + right.value))
      a.value = 2
      batch(() => {
        a.value = 5
        a.value = 3
      })
      assert.deepEqual(seen, [5, 10, 15])
    })

    it(`let a faulty computed recover, and an effect's fault reach whoever caused it (${name})`, () => {
      const a = signal(1)
      const risky = computed(() => {
        if (a.value === 2) throw new Error('two')
        return a.value
      })
      const seen: number[] = []
      effect(() => void seen.push(risky.value))
      assert.throws(() => {
        a.value = 2
      }, /two/)
      assert.throws(() => risky.value, /two/)
      assert.equal(a.value, 2)
    })

    it(`let effects set signals, end themselves, and subscribe without reading more (${name})`, () => {
      const a = signal(0)
      const b = signal(0)
      effect(() => {
        if (a.value < 5) a.value += 1
      })
      assert.equal(a.value, 5)
      const heard: number[] = []
      const stop = a.subscribe((value) => heard.push(value + b.value))
      b.value = 10
      a.value = 6
      stop()
      a.value = 7
      assert.deepEqual(heard, [5, 16])
    })
  }
})
