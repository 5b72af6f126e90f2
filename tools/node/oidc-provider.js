// A provider of OpenID Connect (npm's oidc-provider) on the loopback, with pages that let anybody in under any name.
// The first line of stdout says where it is: {"issuer": "..."}. An argument "no-device" leaves the device flow out.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const native = {
  client_id: 'acquire',
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
};
const device = !process.argv.includes('no-device');

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const grants = device ? native.grant_types : ['authorization_code'];
  const secret = { client_secret: 'a secret of the client', token_endpoint_auth_method: 'client_secret_basic' };
  const provider = new Provider(issuer, {
    clients: [
      { ...native, grant_types: grants },
      { ...native, ...secret, client_id: 'with-secret', grant_types: grants },
    ],
    features: { deviceFlow: { enabled: device }, devInteractions: { enabled: true } },
    cookies: { keys: ['of a test'] },
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, AccessToken: 60, IdToken: 60, DeviceCode: 600 },
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
