// Where the keyboard was before a dialog or a menu took it. It is watched from the beginning: dialogs are loaded when they are opened.

let last: HTMLElement | null = null
document.addEventListener('focusin', (e) => {
  const t = e.target as HTMLElement
  if (!t.closest('[role=dialog], [role=menu]')) last = t
})

/** What had the focus last that is neither in a dialog nor in a menu. */
export const lastFocus = () => last
