"""The ollama package of PyPI against a running server: SERVER and TOKEN in the environment."""
import os

import ollama

client = ollama.Client(host=os.environ["SERVER"], headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
messages = [{"role": "user", "content": "how are principals validated?"}]

assert "codelore" in [model.model for model in client.list().models]
assert client.show("codelore").capabilities == ["completion"] and not client.ps().models
whole = client.chat(model="codelore", messages=messages)
assert whole.message.content and whole.done and whole.done_reason == "stop"
parts = list(client.chat(model="codelore", messages=messages, stream=True, options={"temperature": 0.1, "num_predict": 100}))
assert "".join(part.message.content for part in parts) == whole.message.content and parts[-1].done
assert client.generate(model="codelore:latest", prompt="how are principals validated?", system="be brief").response
schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
assert client.chat(model="codelore/scripted", messages=messages, format=schema).message.content == '{"days":3}'
assert client.generate(model="codelore/scripted", prompt="def validate_principal(", suffix="):").response == "hole"
weather = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
for stream in (False, True):
    called = client.chat(model="codelore/scripted", messages=messages, tools=[weather], stream=stream)
    said = next(part.message for part in called if part.message.tool_calls) if stream else called.message
    assert [(c.function.name, c.function.arguments) for c in said.tool_calls] == [("get_weather", {"city": "Seoul"})]
given = messages + [said, {"role": "tool", "tool_name": "get_weather", "content": "12 degrees"}]
assert client.chat(model="codelore/scripted", messages=given, tools=[weather]).message.content.startswith("The tool said 12 degrees")
assert len(client.embed(model="any", input=["a", "b"]).embeddings) == 2
assert client.embeddings(model="any", prompt="a").embedding
try:
    client.chat(model="gpt-4", messages=messages)
    raise AssertionError("an unknown model was taken")
except ollama.ResponseError as error:
    assert error.status_code == 404
print("ollama (PyPI) passes")
