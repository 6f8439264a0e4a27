// The openai and ollama packages of npm against a running server: SERVER and TOKEN in the environment.
import assert from "assert";
import { Ollama } from "ollama";
import OpenAI from "openai";

const { SERVER, TOKEN } = process.env;
const messages = [{ role: "user", content: "how are principals validated?" }];

const openai = new OpenAI({ baseURL: SERVER + "/v1", apiKey: TOKEN, maxRetries: 0 });
const whole = await openai.chat.completions.create({ model: "codelore", messages });
const stream = openai.chat.completions.stream({ model: "codelore", messages });
assert.equal((await stream.finalChatCompletion()).choices[0].message.content, whole.choices[0].message.content);
assert(whole.citations.length > 0);
assert((await openai.embeddings.create({ model: "any", input: "hello" })).data[0].embedding.length > 0);
const city = { type: "object", properties: { city: { type: "string" } } };
const asked = [];
const getWeather = ({ city }) => (asked.push(city), "12 degrees");
for (const stream of [false, true]) {
  const runner = openai.chat.completions.runTools({
    model: "codelore/scripted", messages, stream,
    tools: [{ type: "function", function: { name: "get_weather", function: getWeather, parse: JSON.parse, parameters: city } }],
  });
  assert((await runner.finalContent()).startsWith("The tool said 12 degrees"));
}
assert.deepEqual(asked, ["Seoul", "Seoul"]);
await assert.rejects(openai.chat.completions.create({ model: "gpt-4", messages }), OpenAI.NotFoundError);
console.log("openai (npm) passes");

const ollama = new Ollama({ host: SERVER, headers: { Authorization: "Bearer " + TOKEN } });
let text = "";
for await (const part of await ollama.chat({ model: "codelore", messages, stream: true })) text += part.message.content;
assert.equal(text, whole.choices[0].message.content);
assert((await ollama.list()).models.length > 0);
assert.deepEqual((await ollama.show({ model: "codelore" })).capabilities, ["completion"]);
assert((await ollama.embed({ model: "any", input: "q" })).embeddings[0].length > 0);
console.log("ollama (npm) passes");
