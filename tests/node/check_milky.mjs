// What a protocol end of Milky says and is asked, beside the schema of Milky's makers
// (npm @saltify/milky-types): says what differs.
//
//   node check_milky.mjs FILE      with lines such as {"schema": "Event", "value": {…}}
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const folder = process.env.JARVIS_TEST_NODE_CLIENTS
const schemas = await import(pathToFileURL(`${folder}/node_modules/@saltify/milky-types/dist/index.mjs`))

// Names that the schema does not know: it passes over them in silence.
function unknown(value, parsed, path) {
  if (value === null || typeof value !== 'object') return []
  return Object.keys(value).flatMap(key => {
    const here = `${path}.${key}`
    const isKnown = parsed !== null && typeof parsed === 'object' && key in parsed
    return isKnown ? unknown(value[key], parsed[key], here) : [here]
  })
}

const seen = new Map()
for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
  const { schema, value } = JSON.parse(line)
  // Calls and answers without a schema are empty.
  const parsed = schema in schemas ? schemas[schema].safeParse(value) : { success: true, data: {} }
  const bad = parsed.success ? unknown(value, parsed.data, schema) : [parsed.error.message]
  for (const one of bad) console.log('bad', one, JSON.stringify(value).slice(0, 2000))
  seen.set(schema, (seen.get(schema) ?? 0) + 1)
}
for (const [schema, times] of seen) console.log('checked', schema, times, schema in schemas)
console.log('done')
