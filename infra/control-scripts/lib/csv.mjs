/** Prints rows as CSV (RFC 4180). Called by scripts that print defaults or links. */
export function printCsv(rows) {
  for (const row of rows) process.stdout.write(`${row.map(quoteField).join(',')}\n`)
}

function quoteField(text) {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
