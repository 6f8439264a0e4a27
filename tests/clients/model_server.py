"""An OpenAI-compatible model server for the tests of clients: it calls the tools it is offered, writes JSON when told to, fills
holes, and says what it was given. Prints its address; ends with its standard input."""
import http.server
import json
import sys
import threading


def chunk(delta, reason=None):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def call(name, arguments):
    text = json.dumps(arguments)
    head = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": text[:3]}}
    return [chunk({"role": "assistant", "tool_calls": [head]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": text[3:]}}]}), chunk({}, "tool_calls")]


def answer(path, request):
    if path.endswith("/completions") and "prompt" in request:
        return [{"choices": [{"index": 0, "text": "hole", "finish_reason": "stop"}]}]
    last = request["messages"][-1]
    if last["role"] == "tool":
        return [chunk({"content": "The tool said " + last["content"].split("\n")[0]}), chunk({}, "stop")]
    names = [tool["function"]["name"] for tool in request.get("tools", [])]
    if "get_weather" in names:
        return call("get_weather", {"city": "Seoul"})
    if "codelore_list_files" in names:
        return call("codelore_list_files", {"limit": 3})
    text = '{"days": 3}' if "response_format" in request else "Plain words."
    return [chunk({"content": text}), chunk({}, "stop")]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for each in answer(self.path, request):
            self.wfile.write(b"data: " + json.dumps(each).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
