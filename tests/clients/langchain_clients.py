"""langchain-openai, langchain-ollama and litellm against a running server: SERVER and TOKEN in the environment."""
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

server, token = os.environ["SERVER"], os.environ["TOKEN"]
question = [SystemMessage("be brief"), HumanMessage("how are principals validated?")]


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return "12 degrees in " + city


def through_langchain(plain, scripted, embeddings, name):
    whole = plain.invoke(question)
    assert whole.content and "".join(part.content for part in plain.stream(question)) == whole.content, name
    tools = scripted.bind_tools([get_weather])
    wish = tools.invoke(question)
    assert [(call["name"], call["args"]) for call in wish.tool_calls] == [("get_weather", {"city": "Seoul"})], wish
    given = question + [wish] + [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in wish.tool_calls]
    assert tools.invoke(given).content.startswith("The tool said 12 degrees"), name
    vectors = embeddings.embed_documents(["hello", "world"])
    assert len(vectors) == 2 and len(vectors[0]) == len(embeddings.embed_query("hello")) > 0
    print(name, "passes")


openai = {"base_url": server + "/v1", "api_key": token, "max_retries": 0}
through_langchain(ChatOpenAI(model="codelore", **openai), ChatOpenAI(model="codelore/scripted", **openai),
                  OpenAIEmbeddings(model="any", check_embedding_ctx_length=False, **openai), "langchain-openai")
ollama = {"base_url": server, "client_kwargs": {"headers": {"Authorization": "Bearer " + token}}}
through_langchain(ChatOllama(model="codelore", **ollama), ChatOllama(model="codelore/scripted", **ollama), OllamaEmbeddings(model="any", **ollama), "langchain-ollama")

ask = {"model": "openai/codelore", "api_base": server + "/v1", "api_key": token, "messages": [{"role": "user", "content": "how are principals validated?"}]}
whole = litellm.completion(**ask)
assert whole.choices[0].message.content and whole.usage.total_tokens > 0
assert "".join(part.choices[0].delta.content or "" for part in litellm.completion(stream=True, **ask)) == whole.choices[0].message.content
assert len(litellm.embedding(model="openai/any", api_base=server + "/v1", api_key=token, input=["a", "b"], encoding_format="float").data) == 2
try:
    litellm.completion(**{**ask, "api_key": "wrong"})
    raise AssertionError("a wrong token was taken")
except litellm.AuthenticationError:
    print("litellm passes")
