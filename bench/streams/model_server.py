"""A scripted OpenAI-compatible model: so many tokens a second per stream, whatever it is asked. Prints its address, and a line
"gone SECONDS" (monotonic) whenever a stream's reader has left before its end. Ends with its standard input."""
import asyncio
import json
import sys
import time

RATE, TOKENS = float(sys.argv[1]), int(sys.argv[2])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def event(text, reason=None):
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


async def serve(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    await reader.readexactly(length)
    writer.write(HEAD)
    left = asyncio.create_task(reader.read(1))  # ends when the other side closes
    start = time.monotonic()
    for i in range(TOKENS):
        writer.write(event("word " if i % 12 else "sentence [1]. "))
        await asyncio.wait([left], timeout=max(0, start + (i + 1) / RATE - time.monotonic()))
        if left.done():
            print(f"gone {time.monotonic():.6f}", flush=True)
            break
    else:
        writer.write(event("", "stop") + b"data: [DONE]\n\n")
    left.cancel()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
