// Drives the server with npm's msgpack-rpc-lite; prints what it got as JSON.
// Usage: node msgpack_rpc_lite.js MODULE HOST PORT
'use strict';

const [, , modulePath, host, port] = process.argv;
const client = require(modulePath).createClient(Number(port), host);

function call(method, ...params) {
  return new Promise((resolve) => {
    client.request(method, ...params, (error, result) => resolve({error, result}));
  });
}

async function main() {
  const big = 'x'.repeat((1 << 20) - 5);
  const out = {};
  out.hello = (await call('HELLO', {client: 'msgpack-rpc-lite'})).result.namespace;
  out.ping = (await call('PING')).result;
  out.set = (await call('SET', 'lite', {a: [1, 'two']})).result;
  out.get = (await call('GET', 'lite')).result;
  out.unknown = (await call('NO.SUCH')).error[0];
  out.wrong = (await call('GET')).error[0];
  await call('SET', 'lite-big', big);
  out.big = (await call('GET', 'lite-big')).result.length;
  const calls = [];
  for (let i = 0; i < 100; i++) {
    calls.push(call('INCRBY', 'lite-n', 1));
  }
  out.pipelined = (await Promise.all(calls)).map((reply) => reply.result);
  process.stdout.write(JSON.stringify(out));
  client.close();
}

main().then(() => process.exit(0), (error) => {
  process.stderr.write(String(error.stack));
  process.exit(1);
});
