// What the openai package for Node makes of refusals; the environment has a key for each, as for openai_errors.py.
import OpenAI from "openai";

const asked = { model: "echo", messages: [{ role: "user", content: "hello" }], max_tokens: 1 };
const client = (key, maxRetries = 0) => new OpenAI({ apiKey: process.env[key], maxRetries });

async function failure(using, changes = {}) {
  try {
    await using.chat.completions.create({ ...asked, ...changes });
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, type: error.type };
  }
}

async function tooMany() {
  for (let asks = 0; asks < 100; asks++) {
    const found = await failure(client("LIMITED"));
    if (found) return found;
  }
}

async function waits() {
  let seconds = 0;
  for (let asks = 0; asks < 100 && seconds < 0.9; asks++) {
    const began = Date.now();
    await client("LIMITED", 3).chat.completions.create(asked);
    seconds = (Date.now() - began) / 1000;
  }
  return { seconds };
}

const found = {
  "too many": await tooMany(),
  waits: await waits(),
  "no scope": await failure(client("READING")),
  revoked: await failure(client("REVOKED")),
  "other model": await failure(client("NARROW")),
  away: await failure(client("OPENAI_API_KEY"), { model: "away" }),
};
console.log(JSON.stringify(found));
