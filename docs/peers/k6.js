// The load of run.sh for k6. Core k6 reads a reply as a whole and knows no
// server-sent events, so it times the first byte of a reply, not the first
// token; bodies are thrown away, which is the cheapest that it can do.
import http from 'k6/http';
import exec from 'k6/execution';
import { SharedArray } from 'k6/data';

const prompts = new SharedArray('prompts', () =>
  open(__ENV.PROMPTS).trim().split('\n').map((line) => JSON.parse(line)));

export const options = {
  scenarios: {
    closed: {
      executor: 'shared-iterations',
      vus: Number(__ENV.STREAMS),
      iterations: Number(__ENV.REQUESTS),
      maxDuration: '10m',
    },
  },
  discardResponseBodies: true,
  summaryTrendStats: ['count', 'p(50)', 'p(99)'],
};

const params = { headers: { 'Content-Type': 'application/json' }, timeout: '10m' };

export default function () {
  const p = prompts[exec.scenario.iterationInTest % prompts.length];
  http.post(`${__ENV.URL}/v1/chat/completions`, JSON.stringify({
    model: 'sim',
    messages: [{ role: 'user', content: p.prompt }],
    max_tokens: p.max_tokens,
    stream: true,
    stream_options: { include_usage: true },
  }), params);
}

export function handleSummary(data) {
  return { [__ENV.RESULT]: JSON.stringify(data.metrics) };
}
