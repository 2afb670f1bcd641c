import { Anchor, Button, Center, Code, Divider, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { SignIn as Ways } from './api/types'
import { Note } from './parts/feedback'

/** The page of who is not signed in. */
export function SignIn({ ways, why, enter }: { ways: Ways; why: string; enter: (token: string) => void }) {
  const [token, setToken] = useState('')
  const [failed, setFailed] = useState('')
  const oidc = ways.openIdConnect
  useEffect(() => {
    if (!oidc || !new URLSearchParams(location.search).has('state')) return
    void import('./oidc')
      .then((m) => m.finish(oidc))
      .then(enter, (err: unknown) => setFailed(err instanceof Error ? err.message : String(err)))
  }, [oidc, enter])
  const begin = () =>
    void import('./oidc').then((m) => m.begin(oidc!)).catch((err: unknown) => setFailed(err instanceof Error ? err.message : String(err)))
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" w="100%" maw={440} radius="md">
        <Stack>
          <Title order={1} size="h2">
            vnfm
          </Title>
          {why && <Note kind="info">{why}</Note>}
          {failed && (
            <Note kind="bad" title="Signing in failed">
              {failed}
            </Note>
          )}
          {oidc && (
            <>
              <Button onClick={begin} size="md">
                Sign in at {new URL(oidc.issuer).host}
              </Button>
              {ways.token && <Divider label="or" />}
            </>
          )}
          {ways.token ? (
            <form
              onSubmit={(e) => {
                e.preventDefault()
                if (token.trim()) enter(token.trim())
              }}
            >
              <Stack>
                <PasswordInput
                  label="Token"
                  description="An access token of your issuer, or the server's api-token. It stays in this tab, and is forgotten when you close it."
                  value={token}
                  onChange={(e) => setToken(e.currentTarget.value)}
                  autoComplete="off"
                  autoFocus={!oidc}
                />
                <Button type="submit" variant={oidc ? 'default' : 'filled'} disabled={!token.trim()}>
                  Sign in with the token
                </Button>
              </Stack>
            </form>
          ) : (
            !oidc && (
              <Text>
                This server takes client certificates only: install yours in this browser, then <Anchor href="./">load the page again</Anchor>. <Code>tls-client-auth</Code> must be{' '}
                <Code>accept</Code> or <Code>require</Code>.
              </Text>
            )
          )}
        </Stack>
      </Paper>
    </Center>
  )
}
