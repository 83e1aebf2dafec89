// An application that people sign in to, with npm's openid-client. It says on which port it listens,
// and shows what it learned as JSON.
import http from 'node:http';
import * as client from 'openid-client';

const { ISSUER, CLIENT_ID, CLIENT_SECRET = '', RESPONSE_MODE = 'query' } = process.env;
const proof = CLIENT_SECRET ? client.ClientSecretBasic(CLIENT_SECRET) : client.None();
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, proof, {
  execute: [client.allowInsecureRequests],
});
const waiting = new Map();
let idToken = '';

async function login(base) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  waiting.set(state, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce });
  return client.buildAuthorizationUrl(config, {
    redirect_uri: `${base}/cb`,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    response_mode: RESPONSE_MODE,
    state,
    nonce,
    max_age: 3600,
  });
}

async function callback(base, request, body) {
  const url = new URL(request.url, base);
  const state = new URLSearchParams(body || url.search).get('state');
  const answer = body
    ? new Request(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    : url;
  const checks = { ...waiting.get(state), idTokenExpected: true, maxAge: 3600 };
  const tokens = await client.authorizationCodeGrant(config, answer, checks);
  const claims = tokens.claims();
  idToken = tokens.id_token;
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  const told = CLIENT_SECRET ? await client.tokenIntrospection(config, next.access_token) : null;
  return { claims, userinfo, refreshed: Boolean(next.id_token), introspected: told };
}

const server = http.createServer(async (request, response) => {
  const base = `http://127.0.0.1:${server.address().port}`;
  let body = '';
  for await (const part of request) body += part;
  try {
    const { pathname, searchParams } = new URL(request.url, base);
    if (pathname === '/login') {
      response.writeHead(302, { location: (await login(base)).href }).end();
    } else if (pathname === '/cb') {
      const learned = await callback(base, request, body);
      response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(learned));
    } else if (pathname === '/logout') {
      const url = client.buildEndSessionUrl(config, {
        id_token_hint: idToken,
        post_logout_redirect_uri: `${base}/after`,
        state: 'bye',
      });
      response.writeHead(302, { location: url.href }).end();
    } else if (pathname === '/stage') {
      // A page that shows others in frames.
      const frames = searchParams.getAll('frame').map((of) => `<iframe src="${of}"></iframe>`);
      response.writeHead(200, { 'content-type': 'text/html' }).end(frames.join(''));
    } else {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`at ${request.url}`);
    }
  } catch (error) {
    const text = `${error}: ${JSON.stringify(error.cause ?? error.error_description ?? '')}`;
    response.writeHead(500, { 'content-type': 'text/plain' }).end(text);
  }
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
