"""The openai package of PyPI against a running server: SERVER and TOKEN in the environment."""
import json
import os

import openai

base = os.environ["SERVER"] + "/v1"
client = openai.OpenAI(base_url=base, api_key=os.environ["TOKEN"], max_retries=0)
question = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "how are principals validated?"}]

models = [model.id for model in client.models.list()]
assert "codelore" in models and "codelore:engine" in models, models
assert client.models.retrieve("codelore").id == "codelore"

whole = client.chat.completions.create(model="codelore", messages=question)
assert whole.choices[0].message.content and whole.choices[0].finish_reason == "stop"
assert whole.usage.total_tokens > 0
assert {"n", "source", "commit", "path", "start_line", "end_line", "url"} <= set(whole.citations[0]), whole.citations

chunks = list(client.chat.completions.create(model="codelore:engine/extractive", messages=question, stream=True,
                                             stream_options={"include_usage": True}))
assert chunks[0].citations == whole.citations
assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
assert chunks[-1].usage.completion_tokens > 0 and not chunks[-1].choices

parts = [{"role": "user", "content": [{"type": "text", "text": "how are principals validated?"}]}]
assert client.chat.completions.create(model="codelore", messages=parts).citations == whole.citations

packed = client.embeddings.create(model="any", input=["hello", "world"]).data
plain = client.embeddings.create(model="any", input="hello", encoding_format="float").data
assert len(packed) == 2 and max(abs(a - b) for a, b in zip(packed[0].embedding, plain[0].embedding)) < 1e-6
assert client.completions.create(model="codelore", prompt="how are principals validated?").choices[0].text

# Tools: the client's own, plain and streamed, and the server's.
weather = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
ask = {"model": "codelore/scripted", "messages": question, "tools": [weather]}
wish = client.chat.completions.create(**ask).choices[0]
assert wish.finish_reason == "tool_calls" and wish.message.tool_calls[0].function.name == "get_weather"
assert json.loads(wish.message.tool_calls[0].function.arguments) == {"city": "Seoul"}
with client.chat.completions.stream(**ask) as stream:
    for _ in stream:
        pass
    assert stream.get_final_completion().choices[0].message.tool_calls[0].function.arguments == wish.message.tool_calls[0].function.arguments
turns = question + [wish.message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": wish.message.tool_calls[0].id, "content": "12 degrees"}]
assert client.chat.completions.create(**{**ask, "messages": turns}).choices[0].message.content.startswith("The tool said 12 degrees")
ours = {"type": "function", "function": {"name": "codelore_list_files"}}
listed = client.chat.completions.create(model="codelore/scripted", messages=question, tools=[ours]).choices[0]
assert listed.finish_reason == "stop" and listed.message.content.startswith("The tool said `engine:"), listed

# JSON, and filling in the middle.
schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"], "additionalProperties": False}
form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
assert json.loads(client.chat.completions.create(model="codelore/scripted", messages=question, response_format=form).choices[0].message.content) == {"days": 3}
filled = client.completions.create(model="codelore/scripted", prompt="def validate_principal(", suffix="):\n")
assert filled.choices[0].text == "hole" and filled.citations, filled


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} expected")


refused(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-4", messages=question))
refused(openai.BadRequestError, lambda: client.chat.completions.create(model="codelore/extractive", messages=question, tools=[weather]))
refused(openai.BadRequestError, lambda: client.chat.completions.create(model="codelore", messages=[]))
refused(openai.AuthenticationError, lambda: openai.OpenAI(base_url=base, api_key="wrong", max_retries=0).models.list())
print("openai (PyPI) passes")
