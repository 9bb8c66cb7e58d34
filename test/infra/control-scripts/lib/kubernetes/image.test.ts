/** Parsing of image names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../../control-scripts.ts'

const { tagOf } = await importModule<{ tagOf(image: string): string }>('lib/kubernetes/image.mjs')

test('The tag of an image follows the last colon of the last path part; a digest replaces it', () => {
  const tags: [string, string][] = [
    ['nginx', 'latest'],
    ['nginx:1', '1'],
    ['a.b:5000/nginx', 'latest'],
    ['a.b:5000/x/nginx:1.2', '1.2'],
    ['nginx:1@sha256:abc', 'sha256:abc'],
  ]
  for (const [image, tag] of tags) assert.equal(tagOf(image), tag, image)
})
