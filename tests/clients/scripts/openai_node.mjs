// The openai package for Node, as its README shows it; OPENAI_BASE_URL and OPENAI_API_KEY say where and who.
// Node looks for packages beside a script, so this one is copied to where they are installed.
import OpenAI from "openai";

const CHAT = "smollm2-135m-instruct";
const TOOLS = "smollm2-tools";
const EMBED = "all-minilm-l6-v2";
const messages = [{ role: "user", content: "What is the capital of France? Answer in one short sentence." }];
const asked = { model: CHAT, messages, temperature: 0, max_tokens: 30 };
const client = new OpenAI({ maxRetries: 0 });

const chat = await client.chat.completions.create(asked);

let streamed = "";
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
}

const runner = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
const final = await runner.finalChatCompletion();

const parameters = { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"] };
const tool = { type: "function", function: { name: "get_weather", parameters } };
const question = { model: TOOLS, messages: [{ role: "user", content: "Weather in Paris?" }], temperature: 0 };
const called = await client.chat.completions.create({ ...question, tools: [tool], tool_choice: "required" });

const numbers = await client.embeddings.create({ model: EMBED, input: ["a cat", "a dog"], encoding_format: "float" });
const packed = await client.embeddings.create({ model: EMBED, input: ["a cat", "a dog"] }); // base64 by itself
const models = [];
for await (const model of client.models.list()) models.push(model.id);

async function failure(changes, using = client) {
  try {
    await using.chat.completions.create({ ...asked, ...changes });
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
}

const errors = {
  "unknown model": await failure({ model: "nobody" }),
  "too hot": await failure({ temperature: 99 }),
  "wrong key": await failure({}, client.withOptions({ apiKey: "my-wrong" })),
};

const found = {
  chat: chat.choices[0].message.content,
  streamed,
  final: final.choices[0].message.content,
  usage: [chat.usage.total_tokens, final.usage.total_tokens],
  called: called.choices[0].message.tool_calls[0].function,
  sizes: packed.data.map((entry) => entry.embedding.length),
  same: packed.data.every((entry, i) => entry.embedding.every((n, j) => Math.abs(n - numbers.data[i].embedding[j]) < 1e-6)),
  models,
  errors,
};
console.log(JSON.stringify(found));
