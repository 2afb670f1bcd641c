import { JsonInput, NumberInput, PasswordInput, Select, TextInput } from '@mantine/core'
import type { Schema } from '../api/types'
import { secretive, typeOf, type Values } from './schema'

/** Fields for the properties of a JSON Schema. */
export function SchemaForm({ schema, values, errors, set }: { schema?: Schema; values: Values; errors: Record<string, string>; set: (v: Values) => void }) {
  return Object.entries(schema?.properties ?? {}).map(([name, p]) => {
    const common = {
      key: name,
      label: name,
      description: p.description,
      error: values[name] === undefined ? undefined : errors[name],
      placeholder: p.default === undefined ? undefined : `${JSON.stringify(p.default)} unless you say otherwise`,
      withAsterisk: schema?.required?.includes(name) && p.default === undefined,
    }
    const value = values[name]
    const put = (v: unknown) => set({ ...values, [name]: v === '' || v === null ? undefined : v })
    if (p.enum) return <Select {...common} data={p.enum.map(String)} value={value === undefined ? null : String(value)} onChange={put} clearable />
    switch (typeOf(p)) {
      case 'boolean':
        return <Select {...common} data={['true', 'false']} value={value === undefined ? null : String(value)} onChange={put} clearable />
      case 'integer':
      case 'number':
        return <NumberInput {...common} min={p.minimum} max={p.maximum} allowDecimal={typeOf(p) === 'number'} value={(value as number | undefined) ?? ''} onChange={put} />
      case 'string':
        return secretive(name, p) ? (
          <PasswordInput {...common} autoComplete="off" value={(value as string | undefined) ?? ''} onChange={(e) => put(e.currentTarget.value)} />
        ) : (
          <TextInput {...common} value={(value as string | undefined) ?? ''} onChange={(e) => put(e.currentTarget.value)} />
        )
    }
    return <JsonInput {...common} placeholder={typeOf(p) === 'array' ? '["one", "two"]' : '{"name": "value"}'} autosize minRows={2} value={(value as string | undefined) ?? ''} onChange={put} />
  })
}
