import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../src/backoff.js';
import { BadRequestError, Client, formatAddress, parseAddress, Pool } from '../src/index.js';

test('addresses are read as the C++ client reads them', () => {
  const cases: [string, string][] = [
    ['127.0.0.1:99', '127.0.0.1:99'],
    ['example.org', 'example.org:7377'],
    ['[::1]:5', '[::1]:5'],
    ['tls://example.org', 'tls://example.org:7377'],
    ['tcp://h:1', 'h:1'],
    ['unix:/run/s', 'unix:/run/s'],
    ['unix:///run/s', 'unix:/run/s'],
  ];
  for (const [text, expected] of cases) {
    assert.equal(formatAddress(parseAddress(text)), expected);
  }
});

test('addresses that name no place are refused', () => {
  for (const text of [
    '',
    ':1',
    'h:0',
    'h:65536',
    'h:x',
    'h:',
    '::1',
    '[::1',
    '[::1]x',
    'unix:',
    `unix:/${'x'.repeat(107)}`,
  ]) {
    assert.throws(() => parseAddress(text), BadRequestError, text);
  }
  parseAddress(`unix:/${'x'.repeat(106)}`);
});

test('options out of range are refused with their name', () => {
  const wrong: [object, RegExp][] = [
    [{ connectTimeoutMs: 0 }, /connectTimeoutMs/],
    [{ requestTimeoutMs: -1 }, /requestTimeoutMs/],
    [{ requestTimeoutMs: 2 ** 31 }, /requestTimeoutMs/],
    [{ attemptsMax: 1.5 }, /attemptsMax/],
    [{ responseBytesMax: NaN }, /responseBytesMax/],
    [{ reconnect: { firstDelayMs: 0 } }, /firstDelayMs/],
    [{ reconnect: { firstDelayMs: 9, maxDelayMs: 8 } }, /maxDelayMs/],
    [{ tls: { pinnedSha256: 'ab' } }, /pinned/],
    [{ address: 'tls://h', tls: { caFile: '/nowhere/ca.pem' } }, /nowhere/],
  ];
  for (const [options, pattern] of wrong) {
    assert.throws(
      () => new Client(options),
      (error: Error) => error instanceof BadRequestError && pattern.test(error.message),
    );
  }
  assert.throws(() => new Pool({ connectionsMax: 0 }), BadRequestError);
});

const settings = { firstDelayMs: 100, maxDelayMs: 1000, failuresToOpen: 3 };

test('the delay doubles up to its maximum, and a random half is taken off', () => {
  for (const [random, expected] of [
    [0, [100, 200, 400, 800, 1000, 1000]],
    [1, [50, 100, 200, 400, 500, 500]],
  ] as const) {
    const backoff = new Backoff({ ...settings, random: () => random });
    for (const delay of expected) {
      backoff.failed(5000);
      assert.equal(backoff.waitMs(5000), delay);
    }
    assert.equal(backoff.waitMs(5000 + 1000), 0);
  }
});

test('the circuit opens after so many failures, lets one try, and closes with success', () => {
  const backoff = new Backoff({ ...settings, random: () => 0 });
  backoff.failed(0);
  backoff.failed(0);
  assert.equal(backoff.circuit(0), 'closed');
  backoff.failed(0);
  assert.equal(backoff.circuit(399), 'open');
  assert.equal(backoff.circuit(400), 'half-open');
  backoff.attemptBegins();
  assert.equal(backoff.circuit(400), 'open');
  backoff.attemptEnds();
  backoff.succeeded();
  assert.equal(backoff.circuit(400), 'closed');
  assert.equal(backoff.waitMs(400), 0);
});
