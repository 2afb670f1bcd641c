// The filter language of SOL013 as people write it: what could come next, and filters made of plain words.

export interface Attribute {
  name: string
  values?: string[]
}

const operators = ['eq', 'neq', 'in', 'nin', 'gt', 'gte', 'lt', 'lte', 'cont', 'ncont']

/** Quotes a value where the language needs it. */
export const quoted = (v: string): string => (/[,)']/.test(v) ? `'${v.replaceAll("'", "''")}'` : v)

/** A filter as the server takes it. Plain words are looked for in one attribute. */
export function filterOf(text: string, plain: string): string {
  const t = text.trim()
  return t === '' || t.startsWith('(') ? t : `(cont,${plain},${quoted(t)})`
}

/** Where the cursor is: in an operator, an attribute, a value, or between expressions. */
function place(before: string): { kind: 'start' | 'operator' | 'attribute' | 'value'; attribute?: string; typed: string; from: number } {
  let open = -1
  let inQuotes = false
  const commas: number[] = []
  for (let i = 0; i < before.length; i++) {
    const c = before[i]
    if (c === "'" && open >= 0) inQuotes = !inQuotes
    else if (inQuotes) continue
    else if (c === '(') [open, commas.length] = [i, 0]
    else if (c === ')') open = -1
    else if (c === ',' && open >= 0) commas.push(i)
  }
  if (open < 0) return { kind: 'start', typed: '', from: before.length }
  const from = (commas.at(-1) ?? open) + 1
  const typed = before.slice(from)
  if (commas.length === 0) return { kind: 'operator', typed, from }
  if (commas.length === 1) return { kind: 'attribute', typed, from }
  return { kind: 'value', attribute: before.slice(commas[0]! + 1, commas[1]), typed, from }
}

/** The texts that the filter could go on as, the cursor being at its end. */
export function completions(text: string, attributes: Attribute[]): string[] {
  const p = place(text)
  const head = text.slice(0, p.from)
  const begins = (options: string[], tail: string) =>
    options.filter((o) => o.toLowerCase().includes(p.typed.replace(/^'/, '').toLowerCase())).map((o) => head + o + tail)
  switch (p.kind) {
    case 'start':
      return text === '' ? operators.slice(0, 2).concat('cont').map((o) => `(${o},`) : text.endsWith(')') ? [text + ';('] : []
    case 'operator':
      return begins(operators, ',')
    case 'attribute':
      return begins(attributes.map((a) => a.name), ',')
    case 'value':
      return begins((attributes.find((a) => a.name === p.attribute)?.values ?? []).map(quoted), ')')
  }
}
