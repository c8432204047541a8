// A bot that answers from the cache where it can. Questions in, one a line; answers out.
//
//   node dist/examples/bot.js [ADDRESS] < questions.txt
//   node dist/examples/bot.js --stream [ADDRESS] < questions.txt
//
// The upstream is a fake: it takes its time and has a price, as a language model does. When the
// server is down the bot goes on without a cache (failOpen).
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type Answer, type AnswerFacts, type FetchOutcome } from '../src/index.js';

const THINKING_MS = 300;
const NANO_PER_TOKEN = 400;
const CHARACTERS_PER_TOKEN = 4;
const MODEL = 'example-1';

// All else that changes the answer: two bots with other models or instructions share nothing.
const identity = { model: MODEL, system: 'Be brief.' };

const tokensOf = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN);
const wordsFor = (question: string): string[] =>
  `I have thought about "${question}" and the answer is ${question.length}.`.split(/(?<= )/);

function factsOf(question: string, answer: string): AnswerFacts {
  const [tokensIn, tokensOut] = [tokensOf(question), tokensOf(answer)];
  return { tokensIn, tokensOut, costNano: (tokensIn + tokensOut) * NANO_PER_TOKEN, model: MODEL };
}

async function upstream(
  question: string,
  signal: AbortSignal | undefined,
): Promise<Answer<string>> {
  await sleep(THINKING_MS, undefined, { signal });
  const response = wordsFor(question).join('');
  return { response, ...factsOf(question, response) };
}

async function* upstreamStream(question: string): AsyncGenerator<string, AnswerFacts> {
  const words = wordsFor(question);
  for (const word of words) {
    await sleep(THINKING_MS / words.length);
    yield word;
  }
  return factsOf(question, words.join(''));
}

function tell(outcome: FetchOutcome): void {
  const saved = outcome.computed
    ? ''
    : `, saved ${outcome.tokensOut} tokens and ${outcome.costNano} nano-dollars`;
  const trouble = outcome.error === undefined ? '' : `, ${outcome.error.message}`;
  process.stderr.write(`  [${outcome.status}${saved}${trouble}]\n`);
}

async function answer(pool: Pool, question: string, streams: boolean): Promise<void> {
  if (!streams) {
    const compute = ({ signal }: { signal: AbortSignal | undefined }): Promise<Answer<string>> =>
      upstream(question, signal);
    const text = await pool.fetchOrCompute(question, compute, { identity, onOutcome: tell });
    process.stdout.write(`${text}\n`);
    return;
  }
  // Chunks are stored as a list, another shape of answer than the text: another identity.
  const options = { identity: { ...identity, stream: true }, onOutcome: tell };
  for await (const word of pool.fetchOrComputeStream(
    question,
    () => upstreamStream(question),
    options,
  )) {
    process.stdout.write(word);
  }
  process.stdout.write('\n');
}

async function main(words: string[]): Promise<void> {
  if (words.includes('--help')) {
    process.stdout.write('usage: bot.js [--stream] [ADDRESS] < questions, one a line\n');
    return;
  }
  const address = words.find((word) => !word.startsWith('--'));
  const pool = new Pool({ address, clientName: 'example-bot', failOpen: true, connectionsMax: 2 });
  for await (const question of createInterface({ input: process.stdin })) {
    await answer(pool, question, words.includes('--stream'));
  }
  await pool.close();
}

await main(process.argv.slice(2));
