#!/usr/bin/env python3
"""What many streams at once cost: a scripted model writes 20 tokens a second into each, and searches are asked beside them.

    bench/streams/run.py CODELORE FOLDER [STREAMS] [SECONDS]

FOLDER is indexed into a data folder that goes away again. Prints one JSON object: times of searches without and beside the streams,
resident memory idle and under them, and how long after a client has left its model's connection is closed."""
import asyncio
import http.client
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
QUESTIONS = ["how is a request handled", "error handling", "session cookie", "route", "blueprint registration", "template rendering",
             "test client", "configuration from a file", "json response", "teardown callbacks", "url building", "static files"]


def percentile(values, share):
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 2)


def memory_mib(pid, field="VmRSS"):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.split("\n") if line.startswith(field + ":")) / 1024


def cpu_seconds(pid):
    return sum(int(field) for field in pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def searches(port, token, seconds):
    """Milliseconds of each search on one kept connection, one after the other."""
    connection, times, end = http.client.HTTPConnection("127.0.0.1", port), [], time.monotonic() + seconds
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    while time.monotonic() < end:
        body = json.dumps({"query": random.choice(QUESTIONS) + " " + str(random.randrange(10 ** 6)), "mode": "lexical"})
        start = time.monotonic()
        connection.request("POST", "/v1/search", body, headers)
        response = connection.getresponse()
        response.read()
        times.append((time.monotonic() - start) * 1000)
        assert response.status == 200, response.status
        time.sleep(0.01)
    return times


class Stream:
    """One answer, read as it comes."""

    def __init__(self, port, token, number):
        self.port, self.token, self.number, self.events, self.status = port, token, number, 0, ""

    async def open(self):
        body = json.dumps({"model": "codelore/scripted", "stream": True, "messages": [{"role": "user", "content": f"{random.choice(QUESTIONS)}?"}]})
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write((f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.token}\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
        self.status = (await self.reader.readline()).decode().strip()

    async def read(self):
        while line := await self.reader.readline():
            self.events += line.startswith(b"data: ")
            if line.startswith(b"data: [DONE]"):
                break


async def under_streams(port, token, count, seconds, pid):
    streams = [Stream(port, token, i) for i in range(count)]
    await asyncio.gather(*(stream.open() for stream in streams))
    readers = [asyncio.create_task(stream.read()) for stream in streams]
    refused = [stream.status for stream in streams if " 200 " not in stream.status]
    await asyncio.sleep(1)
    before = sum(stream.events for stream in streams)
    start, cpu = time.monotonic(), cpu_seconds(pid)
    # In a process of its own: the readers here must not slow the clock down.
    client = await asyncio.create_subprocess_exec(sys.executable, __file__, "--searches", str(port), token, str(seconds), stdout=subprocess.PIPE)
    out, _ = await client.communicate()
    cpu = (cpu_seconds(pid) - cpu) / (time.monotonic() - start)
    rate = (sum(stream.events for stream in streams) - before) / (time.monotonic() - start)
    memory = memory_mib(pid)
    left = []
    for reader, stream in list(zip(readers, streams))[:20]:
        reader.cancel()
        left.append(time.monotonic())
        stream.writer.transport.abort()
        await asyncio.sleep(0.1)
    for reader, stream in list(zip(readers, streams))[20:]:
        reader.cancel()
        stream.writer.transport.abort()
    await asyncio.sleep(0.5)
    return json.loads(out), rate, cpu, memory, left, refused


def main(binary, folder, count=200, seconds=15):
    count, seconds = int(count), int(seconds)
    with tempfile.TemporaryDirectory() as data:
        run = lambda *words: subprocess.run([binary, "--data", data, "--json", *words], check=True, capture_output=True, text=True).stdout
        run("index", folder, "--name", "bench")
        run("grant", "--source", "bench", "--user", "ann")
        token = json.loads(run("token", "create", "--user", "ann"))["token"]
        model = subprocess.Popen([sys.executable, str(HERE / "model_server.py"), "20", "100000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        url = model.stdout.readline().strip()
        server = subprocess.Popen([binary, "--data", data, "serve", "--port", "0", "--generator", f"name=scripted model=m url={url}", "--user-streams", str(count + 50),
                                   "--tenant-streams", str(count + 50), "--user-requests-per-minute", "0", "--tenant-requests-per-minute", "0"], stdout=subprocess.PIPE, text=True)
        try:
            port = int(server.stdout.readline().split("http://127.0.0.1:")[1].split()[0])
            alone = searches(port, token, seconds)
            idle = memory_mib(server.pid)
            beside, rate, cpu, memory, left, refused = asyncio.run(under_streams(port, token, count, seconds, server.pid))
        finally:
            server.terminate()
            server.wait()
            model.stdin.close()
            gone = [float(line.split()[1]) for line in model.stdout if line.startswith("gone")]
            model.wait()
        freed = [min((g for g in gone if g >= at), default=at + 9) - at for at in left]
        print(json.dumps({"streams": count, "refused": len(refused), "why": refused[:1], "events_per_second": round(rate), "processors_busy": round(cpu, 2),
                          "search_alone_ms": {"n": len(alone), "p50": percentile(alone, .5), "p99": percentile(alone, .99)},
                          "search_beside_ms": {"n": len(beside), "p50": percentile(beside, .5), "p99": percentile(beside, .99)},
                          "memory_mib": {"idle": round(idle), "streams": round(memory), "more": round(memory - idle)},
                          "freed_ms": {"p50": percentile([f * 1000 for f in freed], .5), "worst": round(max(freed) * 1000, 1)}}))


if __name__ == "__main__":
    if sys.argv[1] == "--searches":
        print(json.dumps(searches(int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))))
    else:
        main(*sys.argv[1:])
