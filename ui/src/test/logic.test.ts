import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { describe, expect, it, vi } from 'vitest'
import type { Attempt, Event, Flavour, Op, Progress, Saga, Vnf } from '../api/types'
import { keepFresh, staleBy } from '../api/fresh'
import { options } from '../ops/decide'
import { axis, chain, lanesOf, ticks } from '../ops/lanes'
import { completions, filterOf } from '../parts/filter'
import { objectOf, typedOf, valueOf } from '../parts/schema'
import { choices } from '../vnfs/actions'
import { pictureOf, podOf, tooMany } from '../vnfs/picture'
import { extVirtualLinks, patchOf } from '../vnfs/requests'
import { tell, traceOf } from '../vnfs/story'

const attributes = [{ name: 'vnfInstanceName' }, { name: 'instantiationState', values: ['INSTANTIATED', 'NOT_INSTANTIATED'] }]

describe('filter', () => {
  it('takes plain words for a part of a name, quoted where they need it', () => {
    expect(filterOf(' fw ', 'vnfInstanceName')).toBe('(cont,vnfInstanceName,fw)')
    expect(filterOf("Ulm, north's", 'n')).toBe("(cont,n,'Ulm, north''s')")
    expect(filterOf('(eq,a,b)', 'n')).toBe('(eq,a,b)')
    expect(filterOf('  ', 'n')).toBe('')
  })
  it('knows what could come next', () => {
    expect(completions('', attributes)).toContain('(eq,')
    expect(completions('(e', attributes)).toContain('(eq,')
    expect(completions('(eq,inst', attributes)).toContain('(eq,instantiationState,')
    expect(completions('(eq,instantiationState,NOT', attributes)).toEqual(['(eq,instantiationState,NOT_INSTANTIATED)'])
    expect(completions('(eq,a,b)', attributes)).toEqual(['(eq,a,b);('])
    expect(completions("(eq,a,'x,y", attributes)).toEqual([]) // a comma in quotes separates nothing
    expect(completions('(eq,a,b);(in,instantiationState,INSTANTIATED,NOT', attributes)).toEqual(['(eq,a,b);(in,instantiationState,INSTANTIATED,NOT_INSTANTIATED)'])
  })
})

describe('schema', () => {
  it('makes values of what was typed, and says what is wrong', () => {
    expect(valueOf({ type: 'integer', maximum: 5 }, 7)).toEqual({ error: 'The most is 5.' })
    expect(valueOf({ type: 'integer' }, '1.5').error).toBeTruthy()
    expect(valueOf({ type: ['null', 'string'] }, 'a')).toEqual({ value: 'a' })
    expect(valueOf({ type: 'array' }, '["a"]')).toEqual({ value: ['a'] })
    expect(valueOf({ type: 'object' }, '{').error).toBeTruthy()
    expect(valueOf({ type: 'string', pattern: '^a' }, 'b').error).toBeTruthy()
    expect(valueOf({ type: 'string', pattern: '(' }, 'b')).toEqual({ value: 'b' }) // for the server to judge
    expect(valueOf({ type: 'boolean' }, 'false')).toEqual({ value: false })
  })
  it('asks for what is required and has no default', () => {
    const s = { properties: { a: { type: 'string' }, b: { type: 'string', default: 'x' } }, required: ['a', 'b'] }
    expect(objectOf(s, {})).toEqual({ value: undefined, errors: { a: 'It is needed.' } })
    expect(objectOf(s, { a: '1' })).toEqual({ value: { a: '1' }, errors: {} })
  })
})

describe('a change of properties', () => {
  it('is a merge patch of what differs, and touches nothing else', () => {
    expect(patchOf('metadata', { a: 1, b: 2 }, { a: 1, c: { d: 1 } })).toEqual({ metadata: { b: null, c: { d: 1 } } })
    expect(patchOf('metadata', undefined, {})).toEqual({})
    expect(patchOf('extensions', { a: 1, hidden: 2 }, { a: 2 }, ['a'])).toEqual({ extensions: { a: 2 } })
  })
  it('begins with what there is', () => {
    const s = { properties: { n: { type: 'integer' }, o: { type: 'object' }, none: { type: 'string' } } }
    expect(typedOf(s, { n: 3, o: { a: 1 } })).toEqual({ n: 3, o: '{\n  "a": 1\n}' })
    expect(objectOf(s, typedOf(s, { n: 3, o: { a: 1 } })).value).toEqual({ n: 3, o: { a: 1 } })
  })
})

const vnf = (more: Partial<Vnf> = {}): Vnf => ({
  id: 'v', vnfdId: 'd', vnfProvider: 'p', vnfProductName: 'n', vnfSoftwareVersion: '1', vnfdVersion: '1', instantiationState: 'NOT_INSTANTIATED',
  moment: { version: 1, newestVersion: 1, time: '', event: '' }, ...more,
})
const not = (situation: Partial<Parameters<typeof choices>[0]>, action: string) => choices({ vnf: vnf(), lacks: '', lacksOperate: '', past: false, ...situation }).find((c) => c.action === action)!.not

describe('what can be done with a VNF', () => {
  it('explains itself when it cannot', () => {
    expect(not({}, 'INSTANTIATE')).toBe('')
    expect(not({}, 'HEAL')).toBe('The VNF is not instantiated.')
    expect(not({ vnf: vnf({ instantiationState: 'INSTANTIATED' }) }, 'DELETE')).toContain('terminate it first')
    expect(not({ vnf: vnf({ operationUnderWay: 'op1', instantiationState: 'INSTANTIATED' }), under: 'SCALE, PROCESSING' }, 'HEAL')).toContain('SCALE, PROCESSING holds the VNF')
    expect(not({ lacks: 'no' }, 'TERMINATE')).toBe('no')
    const up = vnf({ instantiationState: 'INSTANTIATED' })
    expect(not({ vnf: up, flavours: 1 }, 'CHANGE_FLAVOUR')).toBe('The descriptor has no other flavour.')
    expect(not({ vnf: up, flavours: 2 }, 'CHANGE_FLAVOUR')).toBe('')
    expect(not({ vnf: up, flavours: 2, flavour: { flavourId: 'f', scalingAspects: [], instantiationLevels: [], vdus: [{ container: true }] } as unknown as Flavour }, 'CHANGE_FLAVOUR')).toContain('containers')
    expect(not({ vnf: up, lacks: 'no' }, 'SYNC')).toBe('') // an operator may, who may not change VNFs
    expect(not({}, 'CHANGE_VNFPKG')).toBe('The VNF is not instantiated.')
    expect(not({}, 'MODIFY_INFO')).toBe('')
    expect(not({ past: true }, 'INSTANTIATE')).toContain('past')
    expect(not({ vnf: vnf({ instantiationState: 'INSTANTIATED' }), flavour: { flavourId: 'f', scalingAspects: [], instantiationLevels: [] } as unknown as Flavour }, 'SCALE')).toBe('The flavour f has no scaling aspects.')
    expect(not({ vnf: vnf({ leftovers: [{ id: 'l', kind: 'port', vimConnectionId: 'x' }] }) }, 'CLEANUP')).toBe('')
    expect(not({ vnf: vnf({ deleted: true }) }, 'DELETE')).toBe('The VNF is deleted.')
  })
})

describe('requests', () => {
  it('have one link for each network, with the keys that are there', () => {
    const links = extVirtualLinks([{ cpdId: 'a', network: 'net', address: '' }, { cpdId: 'b', network: 'net ', address: '2001:db8::1' }, { cpdId: 'c', network: '', address: '' }], undefined, { a: 'default' })!
    expect(links).toHaveLength(1)
    expect(links[0]!.extCps.map((c) => Object.keys(c.cpConfig)[0])).toEqual(['default', 'b'])
    expect(JSON.stringify(links[0]!.extCps[1])).toContain('"type":"IPV6","fixedAddresses":["2001:db8::1"]')
    expect(extVirtualLinks([{ cpdId: 'a', network: ' ', address: '' }])).toBeUndefined()
  })
})

const t = (s: number) => new Date(1_700_000_000_000 + s * 1000).toISOString()
const attempt = (a: Partial<Attempt>): Attempt => ({ commandId: 'c', seq: 1, step: 'create', item: 'i', direction: 'do', attempt: 1, state: 'SUCCEEDED', sent: t(0), ...a })
const saga = (more: Partial<Saga>): Saga => ({ id: 's', type: 'plan', definitionVersion: 1, vnfInstanceId: 'v', state: 'RUNNING', policy: 'hold', undoBegun: false, started: t(0), updated: t(0), ...more })
const progress = { resources: [{ step: 'create', id: 'i', kind: 'port', name: 'p', state: 'DONE', attempt: 1 }, { step: 'create', id: 'j', kind: 'compute', name: 'm', state: 'PENDING', attempt: 0 }] } as unknown as Progress

describe('lanes', () => {
  const s = saga({
    stages: [{ index: 0, items: [{ step: 'grant', state: 'DONE', generation: 1, attempt: 1, undoAttempt: 0 }] }, { index: 1, items: [{ step: 'create', item: 'i', state: 'UNDONE', generation: 1, attempt: 2, undoAttempt: 1 }] }],
    attempts: [
      attempt({ commandId: 'g', step: 'grant', item: undefined, sent: t(0), replied: t(1) }),
      attempt({ commandId: 'a1', sent: t(1), replied: t(2), state: 'FAILED', reason: 'busy' }),
      attempt({ commandId: 'a2', sent: t(5), replied: t(6), attempt: 2 }),
      attempt({ commandId: 'u', direction: 'undo', sent: t(7) , state: 'SENT' }),
    ],
  })
  it('are one for each resource, also for those to come, with a bar for each attempt and the waits between', () => {
    const lanes = lanesOf(s, progress)
    expect(lanes.map((l) => [l.kind, l.name])).toEqual([['grant', 'grant'], ['port', 'p'], ['compute', 'm']])
    expect(lanes[1]!.bars.map((b) => b.state)).toEqual(['failed', 'waiting', 'done', 'undoing'])
    expect(lanes[1]!.bars.at(-1)!.to).toBeUndefined()
    expect(lanes[2]!.bars).toEqual([])
  })
  it('know what led to a command and what its answer led to', () => {
    const all = s.attempts!
    expect(chain(all, all[1]!).before.map((a) => a.commandId)).toEqual(['g'])
    expect(chain(all, all[0]!).after.map((a) => a.commandId)).toEqual(['a1'])
    expect(chain(all, all[3]!).after).toEqual([])
  })
  it('have an axis with round marks', () => {
    expect(axis(lanesOf(s, progress), Date.parse(t(0)), undefined, Date.parse(t(9)))).toEqual([Date.parse(t(0)), Date.parse(t(9))])
    expect(ticks(0, 9500, 8)).toEqual([0, 2000, 4000, 6000, 8000])
    expect(ticks(0, 100, 8).length).toBeLessThanOrEqual(9)
  })
})

describe('decisions', () => {
  const op = (more: Partial<Op>): Op => ({ id: 'o', operationState: 'FAILED_TEMP', stateEnteredTime: '', startTime: '', vnfInstanceId: 'v', operation: 'INSTANTIATE', isCancelPending: false, _links: { retry: { href: '' }, rollback: { href: '' }, fail: { href: '' } }, ...more })
  const lanes = lanesOf(saga({}), progress)
  const of = (o: Op, decision: string, lacks = '') => options(o, saga({}), lanes, lacks).find((x) => x.decision === decision)!
  it('say what each would do', () => {
    expect(of(op({}), 'rollback').does[0]).toBe('1 port: undone, the last first.')
    expect(of(op({}), 'retry').does.join(' ')).toContain('1 compute not begun')
    expect(of(op({}), 'fail').does.join(' ')).toContain('stay there as left over')
  })
  it('say why they cannot be made', () => {
    expect(of(op({ _links: {} }), 'rollback').not).toContain('cannot be undone')
    expect(of(op({ operationState: 'PROCESSING', _links: { cancel: { href: '' } } }), 'retry').not).toContain('PROCESSING')
    expect(of(op({ operationState: 'PROCESSING', _links: { cancel: { href: '' } } }), 'cancel').not).toBe('')
    expect(of(op({ operationState: 'COMPLETED', _links: {} }), 'cancel').not).toContain('has ended')
    expect(of(op({}), 'retry', 'viewer').not).toBe('viewer')
  })
})

describe('picture', () => {
  const info = (n: number) => ({
    flavourId: 'f', vnfState: 'STARTED' as const,
    vnfcResourceInfo: Array.from({ length: n }, (_, i) => ({ id: `m${i}`, vduId: 'gw', computeResource: { resourceId: 'r', vimConnectionId: 'sim-1' }, storageResourceIds: [`s${i}`], vnfcCpInfo: [{ id: `c${i}`, cpdId: 'in', vnfLinkPortId: `p${i}` }] })),
    virtualStorageResourceInfo: Array.from({ length: n }, (_, i) => ({ id: `s${i}`, virtualStorageDescId: 'log', storageResource: { resourceId: 'r' } })),
    vnfVirtualLinkResourceInfo: [{ id: 'net', vnfVirtualLinkDescId: 'control', networkResource: { resourceId: 'r' }, vnfLinkPorts: Array.from({ length: n }, (_, i) => ({ id: `p${i}`, resourceHandle: { resourceId: 'r' } })) }],
  })
  it('has machines, ports, networks and volumes', () => {
    const p = pictureOf(vnf({ instantiatedVnfInfo: info(2) }))
    expect(p.nodes.map((n) => n.kind).sort()).toEqual(['network', 'port', 'port', 'vnfc', 'vnfc', 'volume', 'volume'])
    for (const e of p.edges) expect(p.nodes.some((n) => n.id === e.from) && p.nodes.some((n) => n.id === e.to)).toBe(true)
  })
  it('has pods by their names, and the objects that are being made', () => {
    const i = info(1)
    i.vnfcResourceInfo[0]!.computeResource.resourceId = 'Pod.v1/curry/vdu2-abc/2e8910be'
    expect(podOf('Pod.v1/curry/vdu2-abc/2e8910be')).toEqual({ namespace: 'curry', name: 'vdu2-abc' })
    expect(podOf('compute-1')).toBeUndefined()
    expect(pictureOf(vnf({ instantiatedVnfInfo: i })).nodes.find((n) => n.kind === 'pod')).toMatchObject({ label: 'gw', more: ['vdu2-abc', 'namespace curry'] })
    const unit = { step: 'create', id: 'u', kind: 'unit', name: 'Deployment vdu2', attempt: 1 }
    expect(pictureOf(vnf(), [{ ...unit, state: 'DONE' }]).nodes).toMatchObject([{ kind: 'unit', label: 'Deployment vdu2' }])
    expect(pictureOf(vnf({ instantiatedVnfInfo: i }), [{ ...unit, state: 'DONE' }]).nodes.some((n) => n.kind === 'unit')).toBe(false) // released, or as it was
  })
  it('of many machines is one of VDUs', () => {
    const p = pictureOf(vnf({ instantiatedVnfInfo: info(tooMany + 1) }))
    expect(p.nodes.find((n) => n.kind === 'vdu')).toMatchObject({ label: 'gw', count: tooMany + 1 })
    expect(p.nodes.length).toBeLessThan(6)
  })
  it('shows what an operation under way makes, until it is undone', () => {
    const r = { step: 'create', id: 'x', kind: 'compute', name: 'fw-gw-0', attempt: 1 }
    expect(pictureOf(vnf(), [{ ...r, state: 'RUNNING' }]).nodes).toMatchObject([{ id: 'x', state: 'RUNNING' }])
    expect(pictureOf(vnf(), [{ ...r, state: 'UNDONE' }]).nodes).toEqual([])
  })
})

describe('story', () => {
  it('tells events in the words of the CLI', () => {
    const e = (type: string, data: Record<string, unknown> = {}) => tell({ type, data } as Event)
    expect(e('vnf.instance-created', { name: 'fw1', productName: 'Firewall' })).toMatchObject({ what: 'Instance created', said: 'fw1, Firewall' })
    expect(e('opocc.failed-temporarily', { error: { detail: 'why' } })).toMatchObject({ tone: 'bad', said: 'why' })
    expect(e('opocc.rollback-begun', { byPolicy: true }).said).toBe('by policy')
    expect(e('vnf.scaled', { resources: [1], released: [], scaleStatus: [{ aspectId: 'a', scaleLevel: 2 }] }).said).toBe('1 resource made, 0 resources released, a 2')
    expect(e('vnf.drifted', { vimConnectionId: 'v', found: { missing: 2, changed: 0, orphaned: 1, suspect: true } })).toMatchObject({ tone: 'warn', said: 'v, 2 missing, 1 orphaned, VIM suspect' })
    expect(e('vnf.drift-ended', { vimConnectionId: 'v' })).toMatchObject({ tone: 'good', said: 'v' })
    expect(traceOf({ traceparent: '00-abc-def-01' })).toBe('abc')
  })
  it('makes stale what an event is about', () => {
    expect(staleBy({ stream: 'vnf-a-b' })).toEqual([['vnf', 'a-b'], ['vnfs']])
    expect(staleBy({ stream: 'opocc-1' })).toEqual([['op', '1'], ['ops']])
  })
})

describe('freshness', () => {
  it.each(['event', 'connection'] as const)('a first reading that is under way when the %s comes is of before it: it is read once more', async (what) => {
    vi.useFakeTimers()
    try {
      const queries = new QueryClient()
      const heard = { event: (_: Event) => {}, connection: () => {} }
      keepFresh(queries, { onEvent: (f) => ((heard.event = f), () => true), onConnected: (f) => ((heard.connection = f), () => true) })
      const answers: ((v: string) => void)[] = []
      const stop = new QueryObserver(queries, { queryKey: ['op', '1'], queryFn: () => new Promise<string>((r) => answers.push(r)) }).subscribe(() => {})
      if (what === 'event') heard.event({ stream: 'opocc-1' } as Event)
      else heard.connection()
      await vi.advanceTimersByTimeAsync(1000)
      expect(answers).toHaveLength(1)
      answers[0]!('before')
      await vi.advanceTimersByTimeAsync(1000)
      expect(answers).toHaveLength(2)
      answers[1]!('after')
      await vi.advanceTimersByTimeAsync(1000)
      expect(queries.getQueryData(['op', '1'])).toBe('after')
      expect(answers).toHaveLength(2)
      stop()
    } finally {
      vi.useRealTimers()
    }
  })
})
