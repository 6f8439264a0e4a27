"""The openai package of PyPI against a running server: SERVER and TOKEN in the environment."""
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


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} expected")


refused(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-4", messages=question))
refused(openai.BadRequestError, lambda: client.chat.completions.create(model="codelore", messages=[]))
refused(openai.AuthenticationError, lambda: openai.OpenAI(base_url=base, api_key="wrong", max_retries=0).models.list())
print("openai (PyPI) passes")
