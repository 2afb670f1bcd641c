import { ActionIcon, AppShell, Badge, Burger, Group, NavLink, Text, Title, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconActivity, IconBox, IconCloud, IconHierarchy2, IconLogout, IconMoon, IconPackage, IconPlugConnected, IconSend, IconSettings, IconSun, IconTopologyStar3 } from '@tabler/icons-react'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useLink } from './api/live'
import { Empty, Refusal } from './parts/feedback'
import { lasting, To, useNow } from './parts/text'
import { useSession, type Permission } from './session'

const places: { to: string; label: string; icon: typeof IconBox; needs: Permission }[] = [
  { to: '/vnfs', label: 'VNFs', icon: IconTopologyStar3, needs: 'site:read' },
  { to: '/ops', label: 'Operations', icon: IconActivity, needs: 'site:read' },
  { to: '/packages', label: 'Packages', icon: IconPackage, needs: 'packages:read' },
  { to: '/vims', label: 'VIMs', icon: IconCloud, needs: 'site:read' },
  { to: '/management', label: 'Management', icon: IconPlugConnected, needs: 'site:read' },
  { to: '/nfvo', label: 'NFVO', icon: IconHierarchy2, needs: 'site:read' },
  { to: '/subscriptions', label: 'Subscriptions', icon: IconSend, needs: 'site:read' },
  { to: '/system', label: 'System', icon: IconSettings, needs: 'site:administer' },
]

export function Shell() {
  const [open, { toggle, close }] = useDisclosure()
  const at = useLocation({ select: (l) => l.pathname })
  const session = useSession()
  const main = useRef<HTMLElement>(null)
  useEffect(close, [at, close])
  // On another page the keyboard goes on at its beginning, not at that of the menu.
  const before = useRef(at)
  useEffect(() => {
    if (before.current === at) return
    before.current = at
    if (document.activeElement === document.body || !document.activeElement?.closest('header, nav')) main.current?.focus({ preventScroll: true })
  }, [at])
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !open } }} padding="md">
      <a
        className="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={open ? 'Close the menu' : 'Open the menu'} />
          <Text fw={800} size="lg" component={Link} {...({ to: '/vnfs' } as object)} c="inherit" td="none">
            vnfm
          </Text>
          <div style={{ flex: 1 }} />
          <Connection />
          <Scheme />
          <Tooltip label={`${session.caller.roles.join(', ') || 'no role'}`}>
            <Badge variant="default" tt="none" size="lg" visibleFrom="xs">
              {session.caller.name}
            </Badge>
          </Tooltip>
          {session.signedIn && (
            <ActionIcon variant="default" size="lg" aria-label="Sign out" onClick={session.signOut}>
              <IconLogout size={18} />
            </ActionIcon>
          )}
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Places">
        {places
          .filter((p) => session.may(p.needs))
          .map((p) => (
            <NavLink
              key={p.to}
              component={Link}
              {...({ to: p.to } as object)}
              label={p.label}
              leftSection={<p.icon size={18} aria-hidden />}
              active={at.startsWith(p.to)}
              aria-current={at.startsWith(p.to) ? 'page' : undefined}
              color="blue"
              styles={{ root: { color: 'var(--mantine-color-text)' } }}
              style={{ borderRadius: 6 }}
            />
          ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1} style={{ outline: 'none' }}>
        {session.may('site:read') ? (
          <Outlet />
        ) : (
          <Empty title="Nothing to see for this role">
            The console shows what no standard does, for which one needs the permission site:read. You are {session.caller.name} with the role {session.caller.roles.join(', ')}.
          </Empty>
        )}
      </AppShell.Main>
    </AppShell>
  )
}

/** Says whether what is seen is what there is. */
function Connection() {
  const link = useLink()
  const now = useNow(link.state === 'cut' ? 1000 : null)
  const [text, tone, why] =
    link.state === 'live'
      ? ['live', 'good', 'What you see follows what happens.']
      : link.state === 'cut'
        ? [`behind ${lasting(Math.floor((now - link.since) / 1000) * 1000)}`, 'warn', `What you see is old: ${link.detail}. The console connects again by itself and reads what it missed.`]
        : ['connecting', 'idle', 'The stream of events is being opened.']
  return (
    <Tooltip label={why} multiline maw={300}>
      <Badge component="span" tabIndex={0} tt="none" size="lg" variant="light" role="status" styles={{ root: { background: `var(--${tone}-bg)`, color: `var(--${tone}-fg)` } }}>
        <span aria-hidden>{tone === 'good' ? '● ' : '○ '}</span>
        {text}
      </Badge>
    </Tooltip>
  )
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme()
  const now = useComputedColorScheme('light')
  return (
    <ActionIcon variant="default" size="lg" onClick={() => setColorScheme(now === 'dark' ? 'light' : 'dark')} aria-label={now === 'dark' ? 'Light colours' : 'Dark colours'}>
      {now === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  )
}

export function Missing() {
  return (
    <Empty title="There is no such page">
      The address leads nowhere. <To to="/vnfs">All VNFs</To>
    </Empty>
  )
}

/** A page whose drawing failed: the others go on. */
export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  return <Refusal error={error} what="This page could not be drawn" retry={reset} />
}

/** A page's heading. It names the tab as well. */
export function Heading({ title, children }: { title: string; children?: React.ReactNode }) {
  useEffect(() => {
    document.title = `${title} – vnfm`
  }, [title])
  return (
    <Group justify="space-between" mb="md" gap="sm">
      <Title order={1} size="h2" className="wrap">
        {title}
      </Title>
      <Group gap="xs">{children}</Group>
    </Group>
  )
}
