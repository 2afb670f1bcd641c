// What can be done with a VNF now, and why what cannot be done cannot.
import type { Flavour, Vnf } from '../api/types'

export type Action = 'INSTANTIATE' | 'SCALE' | 'SCALE_TO_LEVEL' | 'HEAL' | 'SYNC' | 'CHANGE_EXT_CONN' | 'CHANGE_FLAVOUR' | 'CHANGE_VNFPKG' | 'OPERATE' | 'MODIFY_INFO' | 'TERMINATE' | 'CLEANUP' | 'DELETE'

export interface Choice {
  action: Action
  label: string
  /** Why it cannot be done; "" when it can. */
  not: string
  danger?: boolean
}

interface Situation {
  vnf: Vnf
  flavour?: Flavour
  /** How many flavours the descriptor has. */
  flavours?: number
  /** The operation that holds the VNF, as "SCALE, PROCESSING". */
  under?: string
  /** Why the caller may not change VNFs; "" when they may. */
  lacks: string
  /** Why the caller may not clean up; "" when they may. */
  lacksOperate: string
  /** The VNF is looked at as it was. */
  past: boolean
}

export function choices({ vnf, flavour, flavours, under, lacks, lacksOperate, past }: Situation): Choice[] {
  const up = vnf.instantiationState === 'INSTANTIATED'
  const leftovers = vnf.leftovers?.length ?? 0
  const always = past
    ? 'This is the past: go back to now.'
    : vnf.deleted
      ? 'The VNF is deleted.'
      : vnf.operationUnderWay
        ? `The operation ${under ?? vnf.operationUnderWay.slice(0, 8)} holds the VNF until it ends.`
        : ''
  const cleaning = vnf.cleanupUnderWay ? 'What failed operations left is being released.' : ''
  const instantiated = up ? '' : 'The VNF is not instantiated.'
  const aspects = flavour && flavour.scalingAspects.length === 0 ? `The flavour ${flavour.flavourId} has no scaling aspects.` : ''
  const levels = flavour && flavour.scalingAspects.length + flavour.instantiationLevels.length === 0 ? `The flavour ${flavour.flavourId} has neither levels nor scaling aspects.` : ''
  const containers = flavour?.vdus?.some((v) => v.container) ? 'The VNF is one of containers.' : ''
  const other = flavours === 1 ? 'The descriptor has no other flavour.' : containers
  const choice = (action: Action, label: string, ...nots: string[]): Choice => ({ action, label, not: nots.find((n) => n !== '') ?? '' })
  return [
    choice('INSTANTIATE', 'Instantiate', lacks, always, cleaning, up ? 'The VNF is instantiated already.' : ''),
    choice('SCALE', 'Scale', lacks, always, instantiated, aspects),
    choice('SCALE_TO_LEVEL', 'Scale to a level', lacks, always, instantiated, levels),
    choice('HEAL', 'Heal', lacks, always, instantiated),
    choice('SYNC', 'Repair', lacksOperate, always, instantiated),
    choice('CHANGE_EXT_CONN', 'Connect in another way', lacks, always, instantiated),
    choice('CHANGE_FLAVOUR', 'Change the flavour', lacks, always, instantiated, other),
    choice('CHANGE_VNFPKG', 'Change the package', lacks, always, instantiated),
    choice('OPERATE', vnf.instantiatedVnfInfo?.vnfState === 'STOPPED' ? 'Start' : 'Stop or start', lacks, always, instantiated),
    choice('MODIFY_INFO', 'Modify', lacks, always),
    { ...choice('TERMINATE', 'Terminate', lacks, always, instantiated), danger: true },
    choice('CLEANUP', 'Clean up', lacksOperate, always, cleaning, leftovers === 0 ? 'Nothing is left over by failed operations.' : ''),
    { ...choice('DELETE', 'Delete', lacks, always, cleaning, up ? 'The VNF is instantiated: terminate it first.' : ''), danger: true },
  ]
}
