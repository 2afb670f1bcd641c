// OpenID Connect as a public client: the code flow with PKCE (RFC 7636), in the browser alone.
import * as oauth from 'oauth4webapi'
import type { SignIn } from './api/types'

type Way = NonNullable<SignIn['openIdConnect']>

const slot = 'vnfm.signing-in'

/** Where the issuer sends the browser back to. */
const back = () => new URL('.', document.baseURI).href

async function discover(way: Way): Promise<{ as: oauth.AuthorizationServer; options: object }> {
  const issuer = new URL(way.issuer)
  // On one's own machine, where an issuer is tried out, nothing is between it and the browser.
  const options = ['127.0.0.1', 'localhost', '[::1]'].includes(issuer.hostname) ? { [oauth.allowInsecureRequests]: true } : {}
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  return { as, options }
}

/** Leaves for the issuer. */
export async function begin(way: Way): Promise<void> {
  const { as } = await discover(way)
  if (!as.authorization_endpoint) throw new Error(`${way.issuer} has no authorization_endpoint.`)
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  sessionStorage.setItem(slot, JSON.stringify({ verifier, state, to: location.href }))
  const to = new URL(as.authorization_endpoint)
  for (const [k, v] of Object.entries({
    client_id: way.clientId,
    redirect_uri: back(),
    response_type: 'code',
    scope: way.scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }))
    to.searchParams.set(k, v)
  location.assign(to)
}

/** Takes what the issuer sent the browser back with and returns the access token. */
export async function finish(way: Way): Promise<string> {
  const kept = JSON.parse(sessionStorage.getItem(slot) ?? '{}') as { verifier?: string; state?: string; to?: string }
  sessionStorage.removeItem(slot)
  const here = new URL(location.href)
  history.replaceState(null, '', kept.to ?? back())
  if (!kept.verifier || !kept.state) throw new Error('This tab did not begin to sign in. Begin again.')
  const { as, options } = await discover(way)
  const client: oauth.Client = { client_id: way.clientId }
  const params = oauth.validateAuthResponse(as, client, here, kept.state)
  const res = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), params, back(), kept.verifier, options)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, res)
  return tokens.access_token
}
