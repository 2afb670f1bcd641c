import '@mantine/core/styles.css'
import './app.css'
import { createTheme, MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { keepFresh } from './api/fresh'
import { Problem } from './api/http'
import './parts/focus'
import { live } from './api/live'
import { router } from './router'
import { howToSignIn, SessionProvider } from './session'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again; when it does not answer, or is busy, it is asked until it does.
      retry: (n, err) => (err instanceof Problem && err.status > 0 && err.status !== 503 && err.status !== 429 ? false : n < 60),
      retryDelay: (n) => Math.min(500 * 2 ** n, 4000),
      staleTime: 2000,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})
keepFresh(queries, live)
void queries.prefetchQuery(howToSignIn)

const theme = createTheme({ primaryShade: { light: 8, dark: 8 }, defaultRadius: 'sm', cursorType: 'pointer' })
const nonce = () => document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? ''
// What keeps the page still behind a dialog makes a style element, too, and takes its nonce from here.
Object.assign(globalThis, { __webpack_nonce__: nonce() })

createRoot(document.getElementById('root')!).render(
  <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={nonce}>
    <QueryClientProvider client={queries}>
      <SessionProvider>
        <RouterProvider router={router} />
      </SessionProvider>
    </QueryClientProvider>
  </MantineProvider>,
)
