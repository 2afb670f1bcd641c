// An OpenID Connect issuer on loopback that signs in whoever comes, as a public client with PKCE must be.
import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

export async function startIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const codes = new Map()
  const issuer = { roles: ['viewer'], lasts: 3600, tokens: 0, url: '' }
  const b64 = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url')
  issuer.token = (roles = issuer.roles, lasts = issuer.lasts) => {
    const now = Math.floor(Date.now() / 1000)
    const head = `${b64({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${b64({ iss: issuer.url, aud: 'vnfm', sub: 'ann', iat: now, exp: now + lasts, roles })}`
    return `${head}.${createSign('RSA-SHA256').update(head).sign(privateKey).toString('base64url')}`
  }
  const server = createServer((req, res) => {
    const u = new URL(req.url, issuer.url)
    res.setHeader('Access-Control-Allow-Origin', req.headers.origin ?? '*')
    res.setHeader('Access-Control-Allow-Headers', 'content-type')
    const json = (status, v) => res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(v))
    if (req.method === 'OPTIONS') return res.writeHead(204).end()
    switch (u.pathname) {
      case '/.well-known/openid-configuration':
        return json(200, {
          issuer: issuer.url, authorization_endpoint: issuer.url + '/authorize', token_endpoint: issuer.url + '/token', jwks_uri: issuer.url + '/jwks',
          response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'],
        })
      case '/jwks':
        return json(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }] })
      case '/authorize': {
        const code = randomUUID()
        codes.set(code, u.searchParams)
        return res.writeHead(302, { Location: `${u.searchParams.get('redirect_uri')}?code=${code}&state=${u.searchParams.get('state')}` }).end()
      }
      case '/token': {
        let body = ''
        req.on('data', (b) => (body += b))
        req.on('end', () => {
          const p = new URLSearchParams(body)
          const asked = codes.get(p.get('code'))
          codes.delete(p.get('code')) // once
          const challenge = createHash('sha256').update(p.get('code_verifier') ?? '').digest('base64url')
          if (!asked || asked.get('code_challenge') !== challenge || asked.get('redirect_uri') !== p.get('redirect_uri') || p.get('client_id') !== 'web') return json(400, { error: 'invalid_grant' })
          issuer.tokens++
          json(200, { access_token: issuer.token(), token_type: 'Bearer', expires_in: issuer.lasts })
        })
        return
      }
    }
    json(404, {})
  })
  await new Promise((r) => server.listen(0, '127.0.0.1', r))
  issuer.url = `http://127.0.0.1:${server.address().port}`
  issuer.end = () => new Promise((r) => server.close(r))
  return issuer
}
