// Asks each recorded body twice with an official client and prints the answers as JSON.
// Usage: node ask.mjs PACKAGE DIRECT_URL THROUGH_URL BODIES_FILE NAMES_JSON
import { readFileSync } from 'node:fs'

const [name, direct, through, file, names] = process.argv.slice(2)
const { Client } = await import(name)
const cases = JSON.parse(readFileSync(file, 'utf8'))
const indexes = JSON.parse(names)

async function ask (client, one) {
  const index = indexes[one.index ?? 'attached']
  const options = { meta: true }
  const parameters = { index, ...one.body, ...one.parameters }
  try {
    const answer = one.endpoint === 'count'
      ? await client.count(parameters, options)
      : one.endpoint === 'msearch'
        ? await client.msearch({ index, searches: one.searches.flat() }, options)
        : await client.search(parameters, options)
    return { body: answer.body, note: answer.headers['shelfwise-search'] ?? '' }
  } catch (error) {
    if (error.statusCode === undefined) throw error
    return { status: error.statusCode, body: error.meta.body, note: '' }
  }
}

const clients = [direct, through].map(node => new Client({ node, compression: true, maxRetries: 0 }))
const answers = {}
for (const one of cases) {
  answers[one.name] = []
  for (const client of clients) answers[one.name].push(await ask(client, one))
}
answers.info = []
for (const client of clients) answers.info.push({ body: await client.info(), note: '' })
process.stdout.write(JSON.stringify(answers))
