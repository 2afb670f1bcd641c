// Values of a form made from a JSON Schema, and the request body they make.
import type { Schema } from '../api/types'

export type Values = Record<string, unknown>

export const typeOf = (s: Schema): string => (Array.isArray(s.type) ? (s.type.find((t) => t !== 'null') ?? '') : (s.type ?? ''))

/** Whether a property is one of those that are hidden while they are typed, as the server hides what has a telling name. */
export const secretive = (name: string, s: Schema): boolean => s.format === 'password' || /passw|passphrase|passcode|secret|credential|token/i.test(name)

/** Whether a text is like a descriptor's pattern. What no browser can read, or what is long, is for the server to judge: it has no patterns that take for ever. */
function fits(pattern: string, text: string): boolean {
  if (text.length > 256) return true
  try {
    return new RegExp(pattern, 'u').test(text)
  } catch {
    return true
  }
}

/** What a form says of one property; undefined for nothing. An error says why it is not what the schema asks for. */
export function valueOf(s: Schema, typed: unknown): { value?: unknown; error?: string } {
  if (typed === undefined || typed === '' || typed === null) return {}
  switch (typeOf(s)) {
    case 'integer':
    case 'number': {
      const n = Number(typed)
      if (Number.isNaN(n) || (typeOf(s) === 'integer' && !Number.isInteger(n))) return { error: `This is no ${typeOf(s)}.` }
      if (s.minimum !== undefined && n < s.minimum) return { error: `The least is ${s.minimum}.` }
      if (s.maximum !== undefined && n > s.maximum) return { error: `The most is ${s.maximum}.` }
      return { value: n }
    }
    case 'boolean':
      return { value: typed === true || typed === 'true' }
    case 'string':
      if (s.pattern && !fits(s.pattern, String(typed))) return { error: `It must be like ${s.pattern}` }
      return { value: String(typed) }
  }
  try {
    return { value: JSON.parse(String(typed)) }
  } catch {
    return { error: 'This is no JSON.' }
  }
}

/** The values of a form as an object, and what is wrong with them by name. */
export function objectOf(s: Schema | undefined, typed: Values): { value?: Values; errors: Record<string, string> } {
  const errors: Record<string, string> = {}
  const value: Values = {}
  for (const [name, p] of Object.entries(s?.properties ?? {})) {
    const v = valueOf(p, typed[name])
    if (v.error) errors[name] = v.error
    else if (v.value !== undefined) value[name] = v.value
    else if (s?.required?.includes(name) && p.default === undefined) errors[name] = 'It is needed.'
  }
  return { value: Object.keys(value).length > 0 ? value : undefined, errors }
}

/** What a form shows of values that there are. */
export function typedOf(s: Schema, values: Values | undefined): Values {
  const scalar = ['integer', 'number', 'boolean', 'string']
  return Object.fromEntries(
    Object.entries(s.properties ?? {}).flatMap(([name, p]) => {
      const v = values?.[name]
      return v === undefined ? [] : [[name, scalar.includes(typeOf(p)) || typeof v === 'string' ? v : JSON.stringify(v, null, 2)]]
    }),
  )
}
