// The addresses of the console. All that is worth a link is in them.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { Broken, Missing, Shell } from './shell'
import { VnfList } from './vnfs/list'

/** The words of an address: texts and numbers that are there. */
function words(search: Record<string, unknown>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(search).filter((e): e is [string, string | number] => ['string', 'number'].includes(typeof e[1]) && e[1] !== ''))
}

const root = createRootRoute({ component: Shell, notFoundComponent: Missing })
const page = (path: string, component: Parameters<typeof createRoute>[0]['component']) =>
  createRoute({ getParentRoute: () => root, path: path as '/', component, validateSearch: words })

const routes = [
  createRoute({ getParentRoute: () => root, path: '/', beforeLoad: () => { throw redirect({ to: '/vnfs' as '/' }) } }),
  page('/vnfs', VnfList),
  page('/vnfs/$id', lazyRouteComponent(() => import('./vnfs/page'), 'VnfPage')),
  page('/ops', lazyRouteComponent(() => import('./ops/list'), 'OpList')),
  page('/ops/$id', lazyRouteComponent(() => import('./ops/page'), 'OpPage')),
  page('/packages', lazyRouteComponent(() => import('./packages/list'), 'PackageList')),
  page('/packages/$id', lazyRouteComponent(() => import('./packages/page'), 'PackagePage')),
  page('/vims', lazyRouteComponent(() => import('./site/vims'), 'VimsPage')),
  page('/management', lazyRouteComponent(() => import('./site/management'), 'ManagementPage')),
  page('/nfvo', lazyRouteComponent(() => import('./site/nfvo'), 'NfvoPage')),
  page('/subscriptions', lazyRouteComponent(() => import('./site/subscriptions'), 'SubscriptionsPage')),
  page('/system', lazyRouteComponent(() => import('./site/system'), 'SystemPage')),
]

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: new URL(document.baseURI).pathname,
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  scrollRestoration: true,
})
