/** CSV of two columns, as RFC 4180 quotes it. */
export function printCsv(rows) {
  for (const row of rows) process.stdout.write(`${row.map(quoted).join(',')}\n`)
}

function quoted(text) {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
