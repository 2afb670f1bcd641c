import { Modal, type MantineSize } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import { lastFocus } from './focus'

/** A dialog. It keeps the focus, Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, size, opened = true, close, children }: { title?: string; size?: MantineSize; opened?: boolean; close: () => void; children: ReactNode }) {
  useEffect(() => {
    if (!opened) return
    const back = lastFocus()
    return () => {
      setTimeout(() => {
        if (back?.isConnected && (document.activeElement === document.body || document.activeElement?.closest('[role=dialog]'))) back.focus()
      })
    }
  }, [opened])
  return (
    <Modal opened={opened} onClose={close} title={title} size={size} returnFocus={false} closeButtonProps={{ 'aria-label': 'Close' }} styles={{ title: { fontWeight: 600, overflowWrap: 'anywhere' } }}>
      {children}
    </Modal>
  )
}
