// The documents of the public API that the console reads, as far as it reads them (docs/reference, SOL003 v3.7.1).

export interface VnfSummary {
  id: string
  vnfInstanceName?: string
  vnfInstanceDescription?: string
  vnfdId: string
  vnfProvider: string
  vnfProductName: string
  vnfSoftwareVersion: string
  vnfdVersion: string
  vnfPkgId: string
  instantiationState: 'INSTANTIATED' | 'NOT_INSTANTIATED'
  flavourId?: string
  vnfState?: 'STARTED' | 'STOPPED'
  vnfcs: number
  operationUnderWay?: string
  cleanupUnderWay?: string
  leftovers: number
  drift?: Noted
  created: string
  updated: string
}

/** How many resources of a VNF differ from its records, as its VIMs showed them last. */
export interface Noted {
  state: 'DRIFTED' | 'SUSPECT'
  since: string
  missing: number
  changed: number
  orphaned: number
  unsure: number
  repairGivenUp?: boolean
  vimConnectionIds: string[]
}

export interface Snapshot {
  id: string
  vnfSnapshot?: { id: string; vnfInstanceId: string; vnfdId: string; creationFinishedAt?: string }
}

export interface Handle {
  vimConnectionId?: string
  resourceId: string
  vimLevelResourceType?: string
}

export interface IpAddress {
  type: string
  addresses?: string[]
}

export interface CpProtocolInfo {
  layerProtocol: string
  ipOverEthernet?: { macAddress?: string; ipAddresses?: IpAddress[] }
}

export interface Vnfc {
  id: string
  vduId: string
  computeResource: Handle
  zoneId?: string
  storageResourceIds?: string[]
  vnfcCpInfo?: { id: string; cpdId: string; vnfExtCpId?: string; vnfLinkPortId?: string; cpProtocolInfo?: CpProtocolInfo[] }[]
}

export interface Port {
  id: string
  resourceHandle: Handle
  cpInstanceId?: string
}

export interface Info {
  flavourId: string
  vnfState: 'STARTED' | 'STOPPED'
  scaleStatus?: { aspectId: string; scaleLevel: number }[]
  maxScaleLevels?: { aspectId: string; scaleLevel: number }[]
  extCpInfo?: { id: string; cpdId: string; cpConfigId?: string; extLinkPortId?: string; associatedVnfcCpId?: string; associatedVnfVirtualLinkId?: string; cpProtocolInfo: CpProtocolInfo[] }[]
  extVirtualLinkInfo?: { id: string; resourceHandle: Handle; extLinkPorts?: Port[] }[]
  extManagedVirtualLinkInfo?: { id: string; vnfVirtualLinkDescId: string; networkResource: Handle }[]
  vnfcResourceInfo?: Vnfc[]
  vnfVirtualLinkResourceInfo?: { id: string; vnfVirtualLinkDescId: string; networkResource: Handle; vnfLinkPorts?: Port[] }[]
  virtualStorageResourceInfo?: { id: string; virtualStorageDescId: string; storageResource: Handle }[]
  vnfcInfo?: { id: string; vduId: string; vnfcResourceInfoId?: string; vnfcState: 'STARTED' | 'STOPPED' }[]
}

export interface Moment {
  version: number
  newestVersion: number
  time: string
  event: string
  actor?: string
  command?: string
  correlationId?: string
  causationId?: string
}

export interface Leftover {
  id: string
  kind: string
  name?: string
  vimConnectionId: string
  resourceId?: string
}

/** A VNF instance as it is or was: /vnfm/v1/vnf_instances/{id}?at=. */
export interface Vnf {
  id: string
  vnfInstanceName?: string
  vnfInstanceDescription?: string
  vnfdId: string
  vnfProvider: string
  vnfProductName: string
  vnfSoftwareVersion: string
  vnfdVersion: string
  vimConnectionInfo?: Record<string, { vimId?: string; vimType: string; interfaceInfo?: Record<string, unknown> }>
  instantiationState: 'INSTANTIATED' | 'NOT_INSTANTIATED'
  instantiatedVnfInfo?: Info
  metadata?: Record<string, unknown>
  extensions?: Record<string, unknown>
  vnfConfigurableProperties?: Record<string, unknown>
  moment: Moment
  deleted?: boolean
  operationUnderWay?: string
  cleanupUnderWay?: string
  leftovers?: Leftover[]
}

export type OpState = 'STARTING' | 'PROCESSING' | 'COMPLETED' | 'FAILED_TEMP' | 'FAILED' | 'ROLLING_BACK' | 'ROLLED_BACK'

export interface OpSummary {
  vnfLcmOpOccId: string
  vnfInstanceId: string
  operation: string
  operationState: OpState
  stateEnteredTime: string
  startTime: string
  endTime?: string
  startedBy?: string
  isCancelPending: boolean
  resources: number
  done: number
  undone: number
  failed: number
  reason?: string
}

export interface Op {
  id: string
  operationState: OpState
  stateEnteredTime: string
  startTime: string
  vnfInstanceId: string
  operation: string
  operationParams?: Record<string, unknown>
  isCancelPending: boolean
  cancelMode?: string
  error?: { title?: string; status: number; detail: string }
  warnings?: string[]
  lcmCoordinations?: { id: string; coordinationActionName: string; coordinationResult?: string; startTime: string; endTime?: string; endpointType: string; delay?: string }[]
  rejectedLcmCoordinations?: { coordinationActionName: string; rejectionTime: string; endpointType: string; delay: string }[]
  resourceChanges?: Record<string, ResourceChange[]>
  changedInfo?: Record<string, unknown>
  modificationsTriggeredByVnfPkgChange?: Record<string, unknown>
  changedExtConnectivity?: unknown[]
  _links: { grant?: Link; cancel?: Link; retry?: Link; rollback?: Link; fail?: Link }
}

/** What an operation changed of one resource (SOL003 v3.7.1 §5.5.3.14 to 18). */
export interface ResourceChange {
  id: string
  changeType: string
  vduId?: string
  virtualLinkDescId?: string
  vnfVirtualLinkDescId?: string
  virtualStorageDescId?: string
  computeResource?: Handle
  networkResource?: Handle
  storageResource?: Handle
}

export interface Link {
  href: string
}

export interface ResourceProgress {
  step: string
  id: string
  kind: string
  name: string
  state: string
  attempt: number
  began?: string
  ended?: string
  reason?: string
}

export interface Progress {
  vnfLcmOpOccId: string
  vnfInstanceId: string
  operation: string
  operationState: OpState
  startedBy?: string
  policy: 'rollback' | 'hold'
  startTime: string
  endTime?: string
  now: string
  final: boolean
  error?: { detail: string; title?: string; status: number }
  warnings?: string[]
  resources: ResourceProgress[]
}

export interface Failure {
  step?: string
  item?: string
  class: string
  reason: string
}

export interface Attempt {
  commandId: string
  seq: number
  step: string
  item?: string
  direction: 'do' | 'undo'
  attempt: number
  state: string
  sent: string
  replied?: string
  result?: unknown
  class?: string
  reason?: string
}

export interface SagaItem {
  step: string
  item?: string
  state: string
  generation: number
  attempt: number
  undoAttempt: number
  due?: string
  cause?: Failure
}

export interface Saga {
  id: string
  type: string
  definitionVersion: number
  vnfInstanceId: string
  state: string
  policy: string
  cancelMode?: string
  undoBegun: boolean
  cause?: Failure
  started: string
  updated: string
  deadline?: string
  nextTimeout?: string
  nextTimeoutOf?: { kind: 'attempt' | 'backoff' | 'deadline'; step?: string; item?: string }
  stages?: { index: number; items: SagaItem[] }[]
  attempts?: Attempt[]
  cleanups?: Saga[]
}

export interface Grant {
  decider: 'NFVO' | 'LOCAL'
  state: string
  reason?: string
  tries?: number
  nextTry?: string
  location?: string
  request?: unknown
  grant?: unknown
}

export interface Event {
  lane: number
  offset: number
  stream: string
  version: number
  id: string
  type: string
  time: string
  actor?: string
  role?: string
  command?: string
  correlationId?: string
  causationId?: string
  traceparent?: string
  data?: Record<string, unknown>
}

export interface Difference {
  from: Moment
  to: Moment
  changes: { op: 'added' | 'removed' | 'changed'; path: string; from?: unknown; to?: unknown }[]
}

export interface PlanStep {
  stage: string
  nextStage?: string
  action: 'create' | 'change' | 'replace' | 'release' | 'configure'
  id: string
  kind: string
  name: string
  resourceTemplateId?: string
  vimConnectionId?: string
  why?: string[]
  optional?: boolean
}

export interface Plan {
  operation: string
  steps: PlanStep[]
  counts: { create: number; change: number; replace: number; release: number }
  policy: string
  reversible: boolean
  warnings: string[]
}

export interface Pkg {
  id: string
  vnfdId?: string
  vnfProvider?: string
  vnfProductName?: string
  vnfSoftwareVersion?: string
  vnfdVersion?: string
  checksum?: string
  onboardingState: 'CREATED' | 'UPLOADING' | 'PROCESSING' | 'ONBOARDED' | 'ERROR'
  operationalState: 'ENABLED' | 'DISABLED'
  usageState: 'IN_USE' | 'NOT_IN_USE'
  softwareImages?: { id: string; name: string; version: string; diskFormat: string; size: number }[]
  onboardingFailureDetails?: { detail: string }
  findings?: { rule: string; text: string; file?: string; line?: number }[]
}

/** JSON Schema, as far as descriptors use it. */
export interface Schema {
  type?: string | string[]
  description?: string
  default?: unknown
  enum?: unknown[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
}

export interface Flavour {
  flavourId: string
  description?: string
  vdus: { vduId: string; name?: string; min: number; max: number; vcpus: number; memoryBytes: number; diskBytes: number; image?: string; storages: string[]; container?: boolean }[]
  storages: { virtualStorageDescId: string; type: string; sizeBytes: number }[]
  virtualLinks: { vnfVirtualLinkDescId: string; cidrs: string[]; externallyManaged?: string }[]
  cps: { cpdId: string; vduId?: string; virtualLinkDescId?: string; external: boolean }[]
  scalingAspects: { aspectId: string; name?: string; description?: string; maxScaleLevel: number; steps: Record<string, number[]> }[]
  instantiationLevels: { levelId: string; description?: string; scaleInfo?: Record<string, number>; vnfcs: Record<string, number> }[]
  defaultLevel?: string
  operations: Record<string, { additionalParamsSchema?: Schema; onFailure?: string }>
}

export interface Vnfd {
  vnfdId: string
  vnfdVersion: string
  vnfProvider: string
  vnfProductName: string
  vnfSoftwareVersion: string
  flavours: Flavour[]
  configurableProperties?: VnfdProperty[]
  extensions?: VnfdProperty[]
}

export interface VnfdProperty {
  name: string
  schema?: Schema
  required: boolean
  initial?: unknown
}

export interface Vim {
  id: string
  vimId?: string
  vimType: string
  default: boolean
  enabled: boolean
  builtIn: boolean
  interfaceInfo?: Record<string, unknown>
  accessInfo?: Record<string, unknown>
  extra?: Record<string, unknown>
  updated?: string
  limits: { workers: number; rate: number; breakerFailures: number }
  held?: { state: string; since: string; until: string; failures: number; reason: string }
  comparison?: {
    time: string
    tookMs: number
    error?: string
    vnfs: number
    vnfsBusy: number
    vnfsDrifted: number
    recorded: number
    missing: number
    changed: number
    orphaned: number
    unsure: number
    suspect?: boolean
    repairsGivenUp: number
  }
}

/** How the APIs of VNFs, or of their element manager, are reached. */
export interface ManagementConnection {
  id: string
  endpointType: 'VNF' | 'MGMT'
  interfaces?: string[]
  uri: string
  for: { vnfInstanceIds?: string[]; vnfdIds?: string[]; vnfProvider?: string; vnfProductName?: string }
  authentication?: { authType?: string[]; paramsBasic?: { userName?: string } }
  vnfSpecificData?: Record<string, unknown>
  enabled: boolean
  updated?: string
}

export interface ManagementCheck {
  reachable: boolean
  interfaces: { name: string; reachable: boolean; detail?: string; tookMs: number }[]
}

export interface VimCheck {
  facts?: { area: string; name: string; value: string; lacks?: boolean }[]
  reachable: boolean
  detail?: string
  tookMs: number
  zones?: string[]
  flavours: number
  images: number
  externalNetwork?: string
}

export interface Notification {
  id: string
  notificationType: string
  state: string
  subscriptionId: string
  vnfInstanceId: string
  vnfLcmOpOccId?: string
  operationState?: string
  created: string
  giveUp?: string
  attempts: number
  tried?: string
  reason?: string
}

export interface Subscription {
  id: string
  callbackUri: string
  filter?: Record<string, unknown>
  verbosity?: string
}

export interface Denial {
  minute: string
  caller: string
  role?: string
  address?: string
  method?: string
  route?: string
  status: number
  reason?: string
  detail?: string
  count: number
  last: string
}

export interface Audit {
  ok: boolean
  complete: boolean
  at: string
  tookMs: number
  chain: boolean
  findings: { check: string; where: string; vnfInstanceId?: string; since?: string; what: string; do: string }[]
  unmade: { check: string; reason: string }[]
  looked: { events: number; streams: number; sagas: number; timers: number; vimResources: number }
}

export interface Parked {
  id: string
  consumer: string
  key: string
  seq: number
  type: string
  correlationId?: string
  reason: string
  at: string
  /** Only in the answer to a request for it alone. */
  data?: unknown
}

/** In what a VNF differs from its records. */
export interface Drift {
  operationUnderWay?: string
  inSync: boolean
  differences: {
    type: 'missing' | 'changed' | 'orphaned' | 'unsure'
    id: string
    kind: string
    name?: string
    vduId?: string
    vimConnectionId: string
    resourceId?: string
    fields?: { attribute: string; recorded: string; found: string }[]
    kept?: string
  }[]
  vims: { vimConnectionId: string; recorded: number; found: number; suspect?: boolean; error?: string }[]
}

export interface System {
  node: string
  version: string
  go: string
  database: string
  started: string
  settings: { name: string; value: string; secret: boolean; default: boolean }[]
}

export interface Cluster {
  nodes: { id: string; name: string; state: string; version: string; url?: string; roles: string[]; since: string; until?: string }[]
  lanes: { database: string; role: string; nodeId?: string; count: number }[]
  consumers: { name: string; topic: string; waitingLanes: number; oldestSeconds: number; parked: number }[]
  timersDue: number
}

export interface Health {
  status: string
  checks?: { name: string; ok: boolean; detail?: string }[]
}

export interface Caller {
  name: string
  roles: string[]
  permissions: string[]
}

export interface SignIn {
  required: boolean
  token: boolean
  openIdConnect?: { issuer: string; clientId: string; scope: string }
}
